/* Trusted authorities: files in PEM, and where the system keeps its own (the places that Go's crypto/x509 looks at). */
#include "net/tls_common.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_FILE (8u * 1024 * 1024)

static const char *const bundles[] = {
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
};
static const char default_folders[] = "/etc/ssl/certs:/etc/pki/tls/certs";

int kd_tls_read_file(const char *path, kd_str *out)
{
    struct stat about;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), error = 0;
    if (fd < 0)
        return errno;
    char *p = NULL;
    size_t n = 0, size = 0;
    if (fstat(fd, &about) != 0)
        error = errno;
    else if (S_ISDIR(about.st_mode))
        error = EISDIR;
    else if (!S_ISREG(about.st_mode) || about.st_size > (off_t)MAX_FILE)
        error = EFBIG;
    else if (!(p = malloc((size = (size_t)about.st_size) + 1)))
        error = ENOMEM;
    while (!error && n < size) {
        ssize_t got = read(fd, p + n, size - n);
        if (got == 0)
            break;
        if (got > 0)
            n += (size_t)got;
        else if (errno != EINTR)
            error = errno;
    }
    close(fd);
    if (error) {
        free(p);
        return error;
    }
    p[n] = 0;
    *out = kd_str_of(p, n);
    return 0;
}

unsigned kd_tls_add_roots(X509_STORE *store, kd_str pem)
{
    unsigned added = 0;
    BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
    char *name, *header;
    unsigned char *data;
    long n;
    while (bio && PEM_read_bio(bio, &name, &header, &data, &n)) {
        const unsigned char *at = data;
        X509 *certificate = strcmp(name, PEM_STRING_X509) == 0 && !*header ? d2i_X509(NULL, &at, n) : NULL;
        if (certificate && X509_STORE_add_cert(store, certificate))
            added++;
        X509_free(certificate);
        OPENSSL_free(name);
        OPENSSL_free(header);
        OPENSSL_free(data);
    }
    BIO_free(bio);
    ERR_clear_error();
    return added;
}

static unsigned add_file(X509_STORE *store, const char *path)
{
    kd_str text;
    if (kd_tls_read_file(path, &text) != 0)
        return 0;
    unsigned added = kd_tls_add_roots(store, text);
    free((char *)text.p);
    return added;
}

static unsigned add_folder(X509_STORE *store, kd_str folder)
{
    char path[512];
    unsigned added = 0;
    snprintf(path, sizeof path, "%.*s", KD_FMT(folder));
    DIR *dir = opendir(path);
    if (!dir)
        return 0;
    for (const struct dirent *entry; (entry = readdir(dir));)
        if (snprintf(path, sizeof path, "%.*s/%s", KD_FMT(folder), entry->d_name) < (int)sizeof path)
            added += add_file(store, path);
    closedir(dir);
    return added;
}

static const char *from_environment(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

/* The file that is read: the one that is named, or the first known one that exists. */
static const char *bundle(struct stat *about)
{
    const char *named = from_environment("SSL_CERT_FILE");
    if (named)
        return stat(named, about) == 0 ? named : NULL;
    for (size_t i = 0; i < KD_COUNT(bundles); i++)
        if (stat(bundles[i], about) == 0)
            return bundles[i];
    return NULL;
}

unsigned kd_tls_add_system_roots(X509_STORE *store)
{
    struct stat about;
    const char *file = bundle(&about), *folders = from_environment("SSL_CERT_DIR");
    unsigned added = file ? add_file(store, file) : 0;
    /* Where a bundle is known the default folders hold the same certificates once more. */
    if (!folders && added == 0)
        folders = default_folders;
    kd_str rest = kd_str_from_c(folders), folder;
    while (folders && kd_str_split(&rest, ':', &folder))
        if (folder.n)
            added += add_folder(store, folder);
    return added;
}

size_t kd_tls_system_roots_mark(char *to, size_t size)
{
    struct stat about = {0};
    const char *file = bundle(&about), *folders = from_environment("SSL_CERT_DIR");
    int n = snprintf(to, size, "%s %lld %lld.%09ld %s", file ? file : "", (long long)about.st_size,
                     (long long)about.st_mtim.tv_sec, about.st_mtim.tv_nsec, folders ? folders : "");
    return n < 0 ? 0 : (size_t)n < size ? (size_t)n : size - 1;
}
