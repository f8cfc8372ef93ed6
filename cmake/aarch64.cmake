# Cross build for 64-bit Arm on Debian: the cross compiler, and the libraries as packages of the foreign architecture
# (dpkg --add-architecture arm64). scripts/debootstrap-check --cross does it in a chroot.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_C_COMPILER_AR aarch64-linux-gnu-gcc-ar)
set(CMAKE_C_COMPILER_RANLIB aarch64-linux-gnu-gcc-ranlib)
set(ENV{PKG_CONFIG_LIBDIR} /usr/lib/aarch64-linux-gnu/pkgconfig:/usr/share/pkgconfig)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
