// Prints tests/go/cel_eval.tsv: what cel-go gives for expressions. In a module that requires github.com/google/cel-go v0.26.1:
// go run gen_cel_eval.go >cel_eval.tsv
//
// Columns: expression, "ok" and the result as %v prints it, or "error" and its text, or "check", or "syntax" (with a text where no
// program is made of what parses). Bytes outside of
// printable ASCII, and backslashes, as \xNN. No case prints a map of two entries or walks one: their order is random.
//
//go:build ignore

package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/checker/decls"
)

const document = `{"id":5,"big":12345678901234567890,"s":"text","e":"","t":true,"n":null,"o":{"x":1,"y":{"z":"deep"}},
"l":[1,2,3],"ls":["a","b"],"lo":[{"k":1},{"k":"v"}],"el":[],"eo":{},"when":"2024-02-29T12:34:56.789Z","mixed":[1,"a",null,true,[1,"b"],{"k":null}]}`

var cases = []string{
	// data
	`d.id`, `d.id == 5`, `d.id == '5'`, `d.id > 5`, `int(d.id) > 4`, `size(d.big)`, `type(d.id)`, `type(d.l)`, `type(d.o)`, `type(d.n)`, `d.n`, `d.n == null`, `d.t && d.f > 2`,
	`d.f`, `d.f == 2.5`, `d.f > 2`, `d.f > 2u`, `d.f + 1.0`, `d.f + 1`, `type(d.f)`, `d.nope`, `d.o.nope`, `d.o.y.z`, `d.s.x`, `d.id.x`, `d.n.x`, `d.f.x`, `d.t.x`, `d.l.x`, `d.ls[0]`, `d.ls[7]`, `d.ls[-1]`,
	`d.ls['a']`, `d.ls[true]`, `d.ls[0.0]`, `d.ls[0.5]`, `d.ls[1u]`, `d.ls[9u]`, `d.ls[double('nan')]`, `d.ls[null]`, `d.ls[b'a']`, `d['id']`, `d.o['x']`, `d.o[1]`, `d.o[true]`, `d.o[null]`, `d.s[0]`, `d.ls[d.id]`,
	`d[d.id]`, `d[d.n]`, `d[d.l]`, `d[d.o]`, `d[d.s]`, `d[s]`, `d[string(d.id)]`, `d[dyn(d.id)]`, `d.o[[1]]`, `d.o[{}]`, `d.o[type(1)]`, `d.o[timestamp(0)]`, `d.o[duration('1s')]`, `d.ls[[1]]`, `none`, `none.x`, `none == 1`,
	`has(d.n)`, `has(d.nope)`, `has(d.o.x)`, `has(d.o.nope)`, `has(d.nope.x)`, `has(d.s.x)`, `has(d.l.x)`, `has(d.n.x)`, `has(none.x)`, `has(p.Id)`, `has(h['X-A'].x)`, `has({'a': 1}.a)`, `has({'a': 1}.b)`,
	`'id' in d`, `'nope' in d`, `1 in d`, `1 in d.l`, `'1' in d.l`, `'a' in d.ls`, `d.id in ['5']`, `null in d.mixed`, `true in d.mixed`, `1 in d.id`, `'t' in d.s`, `d.l == ['1', '2', '3']`, `d.l == [1, 2, 3]`, `d.o == d.o`, `d.lo == d.lo`,
	`d.o == {'x': '1', 'y': {'z': 'deep'}}`, `d.eo == {}`, `d.el == []`, `d.el == {}`, `size(d.o)`, `size(d.l)`, `size(d)`, `size(d.n)`, `size(d.f)`, `size(d.t)`, `d.mixed`, `d.l`, `d.lo`, `d.eo`, `[d.l]`, `d.ls + ['c']`, `d.mixed + []`, `d.mixed + [1]`, `d.el + d.mixed`,
	`{'a': d.l}`, `{'a': d.n}`, `[d.o.y]`, `d.o.y`, `p.Id`, `p.id`, `p['Id']`, `p.Id == '7'`, `int(p.Id) * 6`, `h['X-A']`, `h['X-A'][1]`, `h['X-A'][2]`, `h['X-N'][0] == '42'`, `h.Nope`, `h['X-A'] == ['a1', 'a2']`, `size(h)`, `'X-A' in h`, `p`, `s`, `size(s)`, `s + 'x'`,
	`p.Id > 5`, `s == 1`, `d.s == 1`, `nope`, `d.x.y.z`,
	// logic
	`true && true`, `true && d.n`, `false && d.n`, `d.n && false`, `d.n || true`, `d.n || false`, `1 / 0 == 1 && false`, `1 / 0 == 1 || true`, `1 / 0 == 1 || d.nope`, `d.nope || 1 / 0 == 1`, `d.s || 1 / 0 == 1`, `none || true`, `none && true`,
	`!d.t`, `!d.s`, `!none`, `d.t ? 1 : 2`, `d.s ? 1 : 2`, `d.nope ? 1 : 2`, `true ? 1 : 1 / 0`, `false ? 1 / 0 : 2`, `(d.t ? d.o : d.s).x`, `(d.t ? d.s : d.o).x`, `d.t ? d.id : d.n`, `d[d.t ? 'id' : 's']`,
	// numbers
	`1 + 2`, `9223372036854775807 + 1`, `-9223372036854775808 - 1`, `9223372036854775807 * 2`, `-9223372036854775808 * -1`, `-9223372036854775808 / -1`, `-9223372036854775808 % -1`, `-(-9223372036854775808)`, `1 / 0`, `1 % 0`, `1u / 0u`, `1u % 0u`, `7 / 2`, `-7 / 2`,
	`-7 % 3`, `7 % -3`, `1u - 2u`, `18446744073709551615u + 1u`, `18446744073709551615u * 2u`, `1.0 / 0.0`, `-1.0 / 0.0`, `0.0 / 0.0`, `1.5 * 2.0`, `-d.f`, `-d.t`, `-d.s`, `-d.n`, `-d.l`, `-d.o`, `-dyn(1u)`, `-dyn(duration('1s'))`, `-dyn(timestamp(0))`, `-1.5`, `-0.0`,
	`d.s + 1`, `d.s - 1`, `d.s * 1`, `d.s / 1`, `d.s % 1`, `d.n + 1`, `d.n - 1`, `d.n * 1`, `d.n / 1`, `d.n % 1`, `d.n < 1`, `d.o + d.o`, `d.t + d.t`, `d.l - d.l`, `d.l + 1`, `1 + d.l`, `d.f % 2.0`, `1 + d.f`, `1u + d.f`, `1 - d.f`, `1 * d.f`, `1 / d.f`, `1 % d.f`, `dyn(type(1)) + 1`,
	`1 < 2`, `1 < 1.5`, `2u > 1`, `1u < -1`, `-1 < 1u`, `1.5 < 2u`, `-1.5 < 0u`, `dyn(1) == 1u`, `dyn(1) == 1.0`, `dyn(1u) == 1.0`, `dyn(-1) == 18446744073709551615u`, `9007199254740993 < 9007199254740992.0`, `dyn(9007199254740993) == 9007199254740992.0`, `9223372036854775807 < 9223372036854775808.0`,
	`18446744073709551615u < 18446744073709551616.0`, `double('nan') == double('nan')`, `double('nan') != double('nan')`, `double('nan') < 1.0`, `1 < double('nan')`, `1u >= double('nan')`, `double('inf') > 1`, `-double('inf') < 0u`, `false < true`, `true < false`, `true <= true`, `'a' < 'b'`, `'a' < 'B'`, `'' < 'a'`, `b'a' < b'b'`, `d.l < d.l`, `d.o < d.o`, `d.t < 1`, `d.s < 1`, `1 < d.s`, `null == null`, `null != 1`, `d.n != d.s`,
	`[1, 2] == [1, 2]`, `[1, 2] == [2, 1]`, `[1] == [1, 2]`, `[1] == [1.0]`, `[dyn(1)] == [1.0]`, `[double('nan')] == [double('nan')]`, `{'a': 1} == {'a': 1}`, `{'a': 1} == {'a': 2}`, `{'a': 1} == {'b': 1}`, `{1: 'a'} == {dyn(1u): 'a'}`, `{dyn(1): 'a'} == {1u: 'a'}`, `dyn([]) == {}`, `type(1) == int`, `type(1) == uint`, `type([1]) == list`, `type({}) == map`, `type(type(1)) == type`, `type(null) == null_type`,
	`type(1u)`, `type(1.0)`, `type('')`, `type(b'')`, `type([])`, `type({})`, `type(null)`, `type(true)`, `type(int)`, `type(timestamp(0))`, `type(duration('1s'))`, `int`, `list`, `map`, `[int, type([])]`, `string(type(1))`, `google.protobuf.Timestamp`, `type(d.l) == list`, `type(d.id) == string`,
	`1e3`, `1000000.0`, `123456789.0`, `0.0001`, `0.00001`, `1e21`, `1e100`, `5e-324`, `0x1F`, `-0x1F`, `0x1Fu`, `1.7976931348623157e308 * 10.0`,
	// conversions
	`int('5')`, `int('-5')`, `int('+5')`, `int(' 5')`, `int('5 ')`, `int('')`, `int('0x5')`, `int('1_0')`, `int('9223372036854775808')`, `int('-9223372036854775808')`, `int(5u)`, `int(18446744073709551615u)`, `int(5.9)`, `int(-5.9)`, `int(9.3e18)`, `int(-9.3e18)`, `int(9223372036854775807.0)`, `int(-9223372036854775808.0)`, `int(double('nan'))`, `int(double('inf'))`, `int(timestamp(7))`, `int(duration('7s'))`, `int(d.n)`, `int(d.t)`, `int(d.l)`, `int(d.o)`, `int(dyn(b'5'))`, `int(dyn(int))`, `int(d.big)`, `int(true)`,
	`uint('5')`, `uint('-5')`, `uint('+5')`, `uint('18446744073709551615')`, `uint('18446744073709551616')`, `uint(5)`, `uint(-5)`, `uint(5.9)`, `uint(-0.5)`, `uint(-1.0)`, `uint(18446744073709551616.0)`, `uint(double('nan'))`, `uint(d.n)`, `uint(d.big)`, `uint(dyn(duration('1s')))`,
	`double('1.5')`, `double('1e3')`, `double('inf')`, `double('-Infinity')`, `double('NaN')`, `double('0x1p4')`, `double('1_0')`, `double('1e999')`, `double('')`, `double('x')`, `double(' 1')`, `double(5)`, `double(5u)`, `double(9007199254740993)`, `double(d.id)`, `double(d.n)`, `double(dyn(timestamp(0)))`,
	`bool('true')`, `bool('True')`, `bool('TRUE')`, `bool('tRUE')`, `bool('t')`, `bool('1')`, `bool('0')`, `bool('F')`, `bool('yes')`, `bool('')`, `bool(d.t)`, `bool(d.id)`, `bool(d.n)`, `bool(dyn(1))`, `bytes('héllo')`, `bytes(b'a')`, `bytes(d.n)`, `bytes(dyn(1))`, `b'\xff\x00a'`, `b''`,
	`string(1)`, `string(-1)`, `string(1u)`, `string(1.0)`, `string(1.5)`, `string(1e6)`, `string(123456789.5)`, `string(1e21)`, `string(0.00001)`, `string(double('nan'))`, `string(-double('inf'))`, `string(true)`, `string(b'abc')`, `string(b'\xff')`, `string(d.n)`, `string(d.l)`, `string(d.o)`, `string(d.id)`, `string(d.f)`, `string(dyn(int))`, `string(timestamp(0))`, `string(timestamp('2009-02-13T23:31:30.123456789-03:00'))`, `string(timestamp('2009-02-13T23:31:30+00:00'))`, `string(duration('1h'))`, `string(duration('1.5s'))`, `string(duration('-1ms'))`, `string(duration('1ns'))`, `string(duration('100000h0.1s'))`, `dyn(1)`, `dyn(d.n)`,
	// strings
	`'a' + 'b'`, `b'a' + b'b'`, `'héllo'.size()`, `size('日本語')`, `size(b'日本')`, `[1, 2].size()`, `{'a': 1}.size()`, `'hello'.contains('ell')`, `'hello'.contains('')`, `''.contains('')`, `'hello'.startsWith('he')`, `'hello'.endsWith('lo')`, `'hello'.endsWith('hello!')`, `d.s.contains('ex')`, `d.id.contains('5')`, `d.n.contains('x')`, `d.s.contains(d.n)`, `d.l.contains('1')`, `d.f.startsWith('2')`, `d.s.endsWith(d.f)`, `none.contains('x')`,
	`'abc'.matches('b')`, `'abc'.matches('^b')`, `matches('abc', '^a.c$')`, `d.s.matches('^t')`, `d.id.matches('^[0-9]+$')`, `d.s.matches(d.s)`, `'a'.matches('[')`, `'a'.matches('(')`, `'a'.matches('*')`, `'a'.matches('a{2,1}')`, `'a'.matches('\\8')`, `d.n.matches('a')`, `d.f.matches('a')`, `'a'.matches(d.n)`, `dyn(timestamp(0)).matches('a')`, `d.l.matches('a')`, `'日本'.matches('^..$')`, `''.matches('')`,
	// lists, maps, macros
	`[]`, `[1, 'a', 1.5, null, true, b'a', 2u]`, `[[1], [2]]`, `{}`, `{'a': 1}`, `{1: 2}`, `{true: 'x'}`, `{'a': [1, {'b': 2}]}`, `{'a': 1, 'a': 2}`, `{1: 'a', 1u: 'b'}[1]`, `{1: 'a', 1u: 'b'}[1u]`, `{1: 'a'}[1.0]`, `{1u: 'a'}[1]`, `{1: 'a'}[1.5]`, `{1: 'a'}['1']`, `{1: 'a'}[2]`, `{true: 1}[false]`, `{'a': 1}.b`, `{'a': 1}['b']`, `{1.5: 'a'}[1.5]`, `{1: 'a'}[dyn(1u)]`, `{1: 'a'}[dyn(1.0)]`, `{1: 'a'}[dyn('x')]`, `{b'a': 1}`, `[1, 2, 3][1]`, `[1, 2, 3][3]`, `[1, 2, 3][-1]`, `[1, 2, 3][dyn(1.0)]`, `[1, 2, 3][dyn(1.5)]`, `[1, 2, 3][dyn('a')]`, `[1] + [2]`, `[] + []`, `[1] + []`,
	`1 in [1, 2]`, `3 in [1, 2]`, `dyn(1.0) in [1, 2]`, `dyn('a') in [1, 2]`, `1 in {1: 2}`, `dyn(1.0) in {1: 2}`, `dyn(1u) in {1: 2}`, `dyn([1]) in [[1]]`, `null in [1, null]`, `[1, 2].all(x, x > 0)`, `[1, 2].all(x, x > 1)`, `[].all(x, x > 1)`, `[1, 2].exists(x, x > 1)`, `[].exists(x, true)`, `[1, 2].exists_one(x, x > 1)`, `[1, 2].exists_one(x, x > 0)`, `[1, 2].existsOne(x, x > 1)`, `[1, 2, 3].filter(x, x > 1)`, `[1, 2, 3].map(x, x * 2)`, `[1, 2, 3].map(x, x > 1, x * 2)`, `[1, 0, 2].all(x, 1 / x > 0)`, `[1, 0, 2].all(x, 1 / x > 1)`, `[0, 1].exists(x, 1 / x > 0)`, `[0, 2].exists(x, 1 / x > 0)`, `[0, 1].exists_one(x, 1 / x > 0)`, `[0, 1].filter(x, 1 / x > 0)`, `[1, 0].map(x, 1 / x)`, `[0, 1].map(x, 1 / x > 0, x)`,
	`[0, 1].map(x, x == 0 ? 1 / 0 > 0 : d.nope, x)`, `[0, 1].filter(x, x == 0 ? 1 / 0 > 0 : d.nope)`, `[0, 1].exists_one(x, x == 0 ? 1 / 0 > 0 : d.nope)`, `[0, 1].all(x, x == 0 ? 1 / 0 > 0 : d.nope)`, `[1, 2].all(x, d.s)`, `[1, 2].exists(x, d.s)`, `[1, 2].exists_one(x, d.s)`, `[1, 2].filter(x, d.s)`, `[1].map(x, d.s, x)`, `d.l.all(x, int(x) > 0)`, `d.l.map(x, int(x) * 2)`, `d.l.exists(x, x == '2')`, `d.lo.exists(x, has(x.k) && x.k == 'v')`, `d.lo.map(x, x.k)`, `d.lo.filter(x, x.k == 'v')`, `d.s.all(x, true)`, `d.n.exists(x, true)`, `d.t.map(x, x)`, `d.f.filter(x, true)`, `d.id.exists_one(x, true)`, `none.all(x, true)`, `d.eo.all(k, false)`, `{'a': 1}.map(k, k)`, `{'a': 1}.all(k, k == 'a')`, `d.o.y.map(k, k + '!')`, `p.exists(k, k == 'Id')`, `h.exists(k, 'a2' in h[k])`,
	`[[1, 2], [3]].map(x, x.map(y, y + size(x)))`, `[1, 2].map(x, [x].map(x, x + 1))`, `[1, 2].exists(x, [2].exists(y, x == y))`, `d.mixed.map(x, type(x))`, `d.mixed.filter(x, type(x) == string)`, `d.mixed.map(x, x)`, `d.mixed.filter(x, true)`, `timestamp(0).map(x, x)`, `[1].map(x, d[x])`, `d.l.map(x, d[x])`, `d.lo.map(x, d.o[x.k])`,
	// times
	`timestamp('2024-02-29T12:34:56.789Z')`, `timestamp('2024-02-29T12:34:56+05:30')`, `timestamp('2024-02-29T12:34:56-03:00')`, `timestamp(0)`, `timestamp(-62135596800)`, `timestamp(-62135596801)`, `timestamp(253402300799)`, `timestamp(253402300800)`, `timestamp('0001-01-01T00:00:00Z')`, `timestamp('0000-12-31T23:59:59Z')`, `timestamp('9999-12-31T23:59:59.999999999Z')`, `timestamp('9999-12-31T23:59:59-01:00')`, `timestamp('2024-02-30T00:00:00Z')`, `timestamp('2023-02-29T00:00:00Z')`, `timestamp('2024-02-29 12:34:56Z')`, `timestamp('2024-02-29T12:34:56')`, `timestamp('2024-02-29')`, `timestamp('')`, `timestamp('2024-02-29T24:00:00Z')`, `timestamp('2024-02-29T12:34:60Z')`, `timestamp('2024-02-29t12:34:56z')`, `timestamp('2024-02-29T12:34:56,5Z')`, `timestamp('2024-02-29T1:34:56Z')`, `timestamp('2024-02-29T12:34:56+24:00')`, `timestamp('2024-02-29T12:34:56+25:00')`, `timestamp(d.when)`, `timestamp(d.n)`, `timestamp(d.id)`, `timestamp(dyn(1.5))`, `timestamp(d.l)`, `timestamp(timestamp(1))`,
	`duration('1h30m')`, `duration('1.5s')`, `duration('-1.5h')`, `duration('1us')`, `duration('1µs')`, `duration('1')`, `duration('')`, `duration('0')`, `duration('1d')`, `duration('1 s')`, `duration('9223372036854775807ns')`, `duration('9223372036854775808ns')`, `duration('2562048h')`, `duration(d.n)`, `duration(dyn(1))`, `duration(1)`, `duration(d.f)`, `duration(duration('1s'))`, `duration('1s') + duration('1m')`, `duration('1s') - duration('1m')`, `duration('9223372036854775807ns') + duration('1ns')`, `duration('1s') < duration('1m')`, `duration('60s') == duration('1m')`, `duration('1s') * 2`, `dyn(duration('1s')) * 2`, `dyn(duration('1s')) + 1`, `dyn(timestamp(0)) + 1`, `dyn(timestamp(0)) - 1`, `dyn(timestamp(0)) * 1`, `dyn(timestamp(0)) < 1`, `dyn(timestamp(0)) == 0`,
	`timestamp(0) + duration('1h')`, `duration('1h') + timestamp(0)`, `timestamp(0) - duration('0.5s')`, `timestamp(10) - timestamp(4)`, `timestamp('9999-12-31T23:59:59Z') + duration('1s')`, `timestamp('0001-01-01T00:00:00Z') - duration('1ns')`, `timestamp('9999-12-31T23:59:59Z') - timestamp('0001-01-01T00:00:00Z')`, `timestamp('2024-02-29T12:00:00-03:00') + duration('1h')`, `timestamp(0) - duration('-9223372036854775808ns')`, `timestamp('2024-02-29T12:00:00+01:00') == timestamp('2024-02-29T11:00:00Z')`, `timestamp(1) < timestamp(2)`, `timestamp('2024-02-29T12:00:00.1Z') > timestamp('2024-02-29T12:00:00Z')`,
	`timestamp(d.when).getFullYear()`, `timestamp(d.when).getMonth()`, `timestamp(d.when).getDate()`, `timestamp(d.when).getDayOfMonth()`, `timestamp(d.when).getDayOfYear()`, `timestamp(d.when).getDayOfWeek()`, `timestamp(d.when).getHours()`, `timestamp(d.when).getMinutes()`, `timestamp(d.when).getSeconds()`, `timestamp(d.when).getMilliseconds()`, `timestamp('2024-12-31T23:59:59Z').getDayOfYear()`, `timestamp('2023-03-01T00:00:00Z').getDayOfYear()`, `timestamp('1969-12-31T23:59:59.5Z').getSeconds()`, `timestamp('0001-01-01T00:00:00Z').getDayOfWeek()`, `timestamp('1900-03-01T00:00:00Z').getDayOfYear()`,
	`timestamp('2024-07-01T00:30:00Z').getHours('Europe/Madrid')`, `timestamp('2024-01-01T00:30:00Z').getHours('Europe/Madrid')`, `timestamp('2024-03-31T00:59:59Z').getHours('Europe/Madrid')`, `timestamp('2024-03-31T01:00:00Z').getHours('Europe/Madrid')`, `timestamp('2090-07-01T00:30:00Z').getHours('Europe/Madrid')`, `timestamp('2090-01-01T00:30:00Z').getHours('Europe/Madrid')`, `timestamp('2090-03-26T00:59:59Z').getHours('Europe/Madrid')`, `timestamp('2090-03-26T01:00:00Z').getHours('Europe/Madrid')`, `timestamp('2090-10-29T00:59:59Z').getHours('Europe/Madrid')`, `timestamp('2090-10-29T01:00:00Z').getHours('Europe/Madrid')`, `timestamp('2100-01-15T00:00:00Z').getHours('Australia/Sydney')`, `timestamp('2100-07-15T00:00:00Z').getHours('Australia/Sydney')`, `timestamp('2100-07-15T00:00:00Z').getMinutes('Asia/Kathmandu')`, `timestamp('1850-01-01T00:00:00Z').getMinutes('Europe/Madrid')`, `timestamp('2100-07-15T12:00:00Z').getHours('America/New_York')`, `timestamp('2100-03-14T06:59:59Z').getHours('America/New_York')`, `timestamp('2100-03-14T07:00:00Z').getHours('America/New_York')`, `timestamp('2024-07-01T12:00:00Z').getHours('America/Argentina/Buenos_Aires')`, `timestamp('2100-07-01T12:00:00Z').getHours('America/Nuuk')`, `timestamp('2100-07-01T12:00:00Z').getHours('Africa/Casablanca')`, `timestamp('2100-07-01T12:00:00Z').getHours('America/Santiago')`, `timestamp('2100-07-01T12:00:00Z').getHours('Europe/Dublin')`, `timestamp('2100-01-01T12:00:00Z').getHours('Europe/Dublin')`, `timestamp('2100-01-01T12:00:00Z').getHours('Asia/Jerusalem')`,
	`timestamp(0).getHours('UTC')`, `timestamp(0).getHours('')`, `timestamp(0).getHours('utc')`, `timestamp(0).getHours('Nowhere/City')`, `timestamp(0).getHours('../etc/passwd')`, `timestamp(0).getHours('/etc/passwd')`, `timestamp(0).getHours('Europe')`, `timestamp(0).getHours('zone.tab')`, `timestamp(0).getHours('EST')`, `timestamp(0).getHours('+05:30')`, `timestamp(0).getHours('05:30')`, `timestamp(0).getHours('-05:30')`, `timestamp(0).getMinutes('-05:30')`, `timestamp(0).getHours('+25:00')`, `timestamp(0).getMinutes('+00:75')`, `timestamp(0).getMinutes('+00:-15')`, `timestamp(0).getHours('+x:00')`, `timestamp(0).getHours('+05:')`, `timestamp(0).getHours(':30')`, `timestamp(0).getHours('1:2:3')`, `timestamp(0).getHours('99999999999999999999:00')`, `timestamp(0).getDate('-00:01')`, `timestamp(0).getFullYear('-00:01')`, `timestamp(0).getMonth('-00:01')`, `timestamp(0).getHours(d.n)`, `timestamp(0).getHours(d.id)`,
	`duration('90m').getHours()`, `duration('90m').getMinutes()`, `duration('90m').getSeconds()`, `duration('1.5s').getMilliseconds()`, `duration('-90m').getHours()`, `duration('90m').getDate()`, `d.s.getHours()`, `d.n.getHours()`, `d.l.getFullYear()`, `d.s.getHours('UTC')`, `dyn(duration('1s')).getHours('UTC')`, `dyn(duration('1s')).getFullYear()`, `none.getHours()`,
	// messages
	`google.protobuf.Duration{seconds: 5, nanos: 500000000}`, `google.protobuf.Timestamp{seconds: 5}`, `google.protobuf.Int64Value{value: 5}`, `google.protobuf.Int64Value{}`, `google.protobuf.StringValue{value: 'x'} == 'x'`, `google.protobuf.BoolValue{}`, `google.protobuf.DoubleValue{value: 1.5}`, `google.protobuf.FloatValue{value: 0.1}`, `google.protobuf.Int32Value{value: 2147483648}`, `google.protobuf.UInt32Value{value: 4294967296u}`, `google.protobuf.BytesValue{value: b'x'}`, `google.protobuf.Value{}`, `google.protobuf.Value{number_value: 1.5}`, `google.protobuf.Value{string_value: 'x'}`, `google.protobuf.Value{bool_value: true}`, `google.protobuf.ListValue{} == []`, `google.protobuf.ListValue{values: [1.0, 'a']} == [1.0, dyn('a')]`, `google.protobuf.ListValue{values: [1]} == [1.0]`, `google.protobuf.Struct{}`, `google.protobuf.Struct{fields: {'a': 1.0}}.a`, `google.protobuf.Struct{fields: {'a': 1}}.a`, `google.protobuf.Nope{}`, `google.protobuf.Duration{nope: 1}`, `google.protobuf.Any{}`,
}

func put(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] < 0x20 || s[i] >= 0x7f || s[i] == '\\' {
			fmt.Fprintf(&b, "\\x%02x", s[i])
		} else {
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

func evaluate(env *cel.Env, vars map[string]any, e string) (string, string) {
	ast, issues := env.Parse(e)
	if issues.Err() != nil {
		return "syntax", ""
	}
	if ast, issues = env.Check(ast); issues.Err() != nil {
		return "check", ""
	}
	program, err := env.Program(ast)
	if err != nil {
		return "syntax", err.Error()
	}
	v, _, err := program.Eval(vars)
	if err != nil {
		return "error", err.Error()
	}
	return "ok", fmt.Sprintf("%v", v)
}

func main() {
	env, err := cel.NewEnv(cel.Declarations(
		decls.NewVar("d", decls.NewMapType(decls.String, decls.Dyn)), decls.NewVar("s", decls.String),
		decls.NewVar("p", decls.NewMapType(decls.String, decls.String)),
		decls.NewVar("h", decls.NewMapType(decls.String, decls.NewListType(decls.String))), decls.NewVar("none", decls.Dyn)))
	if err != nil {
		panic(err)
	}
	var d map[string]any
	decoder := json.NewDecoder(strings.NewReader(document))
	decoder.UseNumber()
	if err := decoder.Decode(&d); err != nil {
		panic(err)
	}
	d["f"] = 2.5
	vars := map[string]any{"d": d, "s": "h\u00e9llo", "p": map[string]string{"Id": "7"},
		"h": map[string][]string{"X-A": {"a1", "a2"}, "X-N": {"42"}}}
	for _, e := range cases {
		outcome, text := evaluate(env, vars, e)
		fmt.Printf("%s\t%s\t%s\n", put(e), outcome, put(text))
	}
}
