// Prints tests/go/jsonschema.tsv: what the library that KrakenD validates with says of schemas and values.
// In a module that requires github.com/santhosh-tekuri/jsonschema/v6 v6.0.2: go run gen_jsonschema.go >jsonschema.tsv
//
// Columns: schema, "schema" and the text of what is wrong with it; or schema, value, the text or empty. Bytes outside of
// printable ASCII, and backslashes, as \xNN. No case has two failing members in one object: their order is random.
//
//go:build ignore

package main

import (
	"fmt"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

const (
	d4    = `"$schema":"http://json-schema.org/draft-04/schema#",`
	d6    = `"$schema":"http://json-schema.org/draft-06/schema#",`
	d7    = `"$schema":"http://json-schema.org/draft-07/schema#",`
	d2019 = `"$schema":"https://json-schema.org/draft/2019-09/schema",`
)

var cases = []struct {
	schema string
	values []string
}{
	{`true`, []string{`1`}}, {`false`, []string{`1`, `{}`}}, {`{}`, []string{`null`}},
	{`{"type":"string"}`, []string{`1`, `1.0`, `null`, `true`, `[]`, `{}`, `"a"`}},
	{`{"type":["object","integer","null"]}`, []string{`"x"`, `1.5`, `1.0`, `1e3`, `1e-3`, `10e-1`, `-0.0`}},
	{`{"enum":["a",1,true,null,"it's"]}`, []string{`"b"`, `1.0`, `false`}}, {`{"enum":["x"]}`, []string{`1`}},
	{`{"enum":[[1],{"a":1}]}`, []string{`1`, `[1.0]`, `{"a":1}`, `{"a":1,"b":2}`}},
	{`{"const":3}`, []string{`3`, `3.0`, `4`}}, {`{"const":"a\"b\\"}`, []string{`1`}}, {`{"const":{"a":[]}}`, []string{`1`}},
	{`{"const":null}`, []string{`1`}}, {`{"const":1.50}`, []string{`1`}}, {`{"const":1e2}`, []string{`1`, `100`}},
	{`{"minimum":5}`, []string{`4`, `4.5`, `-1234567`, `5`, `1e-7`, `123`}},
	{`{"maximum":1000000}`, []string{`1000001`, `1e21`, `999999.5`, `12345678901234567890123456789012345678901234567890`}},
	{`{"maximum":65535}`, []string{`70000`, `65535.25`, `1e400`}},
	{`{"exclusiveMinimum":0.001,"exclusiveMaximum":0.00001}`, []string{`0.001`}},
	{`{"multipleOf":0.01}`, []string{`1.155`, `0.75`, `1e308`, `0.075`, `-3`}}, {`{"multipleOf":7}`, []string{`21`, `22`, `7e5`, `1e-5`, `0`}},
	{`{"multipleOf":1e-8}`, []string{`12391239123`, `1e-9`}}, {`{"multipleOf":123456789012345678901234567890}`, []string{`246913578024691357802469135780`, `246913578024691357802469135781`}},
	{`{"minLength":2,"maxLength":3}`, []string{`"a"`, `"\ud83d\ude00"`, `"abcd"`, `"äöü"`}}, {`{"minLength":1234}`, []string{`"abc"`}},
	{`{"pattern":"^a'b\\d$"}`, []string{`"x"`, `"a'b1"`, `"\"\\\n\u0001"`, `"\\"`}},
	{`{"minItems":2}`, []string{`[1]`}}, {`{"maxItems":1}`, []string{`[1,2]`}}, {`{"uniqueItems":true}`, []string{`[1,2,1.0]`, `[{"a":1,"b":2},{"b":2,"a":1}]`, `[1,true]`, `["a","b"]`}},
	{`{"uniqueItems":true}`, []string{`[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,5.0]`, `[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22]`}},
	{`{"minProperties":1}`, []string{`{}`}}, {`{"maxProperties":1}`, []string{`{"a":1,"b":2}`}},
	{`{"required":["b","a","c"]}`, []string{`{}`, `{"a":1}`, `{"a":1,"b":1}`, `{"a":1,"b":1,"c":1}`}},
	{`{"properties":{"a":{"type":"integer"}},"additionalProperties":false}`, []string{`{"a":"x"}`, `{"b":1}`, `{"a":1}`}},
	{`{"properties":{"a/b~c":{"type":"integer"}}}`, []string{`{"a/b~c":"x"}`}}, {`{"properties":{"é 'q'":false}}`, []string{`{"é 'q'":1}`}},
	{`{"patternProperties":{"^[@$_#]":true},"additionalProperties":{"type":"string"}}`, []string{`{"@x":1,"y":2}`}},
	{`{"propertyNames":{"pattern":"^a"}}`, []string{`{"b":1}`}}, {`{"propertyNames":{"pattern":"^a","minLength":9}}`, []string{`{"b":1}`}},
	{`{"dependentRequired":{"a":["b","c"]}}`, []string{`{"a":1}`, `{"a":1,"b":1}`}}, {`{"dependentSchemas":{"a":{"required":["b"]}}}`, []string{`{"a":1}`}},
	{`{"dependencies":{"a":["b"]}}`, []string{`{"a":1}`}}, {`{"dependencies":{"a":{"required":["b"]}}}`, []string{`{"a":1}`}},
	{`{"not":{"type":"string"}}`, []string{`"a"`}}, {`{"allOf":[{"type":"string"}]}`, []string{`1`}}, {`{"allOf":[{"minimum":3},{"maximum":1}]}`, []string{`2`}},
	{`{"anyOf":[{"type":"string"},{"minimum":3}]}`, []string{`2`, `3`}}, {`{"oneOf":[{"minimum":1},{"maximum":5},{"type":"string"}]}`, []string{`3`, `"a"`, `7`}},
	{`{"oneOf":[{"required":["a"]},{"required":["b"]}]}`, []string{`{}`, `{"a":1,"b":2}`}},
	{`{"if":{"minimum":10},"then":{"multipleOf":3},"else":{"multipleOf":2}}`, []string{`10`, `9`, `12`}},
	{`{"contains":{"type":"string"}}`, []string{`[1,2]`, `[]`, `["a"]`}}, {`{"contains":{"type":"string"},"minContains":2}`, []string{`["a"]`, `[1]`}},
	{`{"contains":{"type":"string"},"maxContains":1}`, []string{`["a",1,"b"]`}}, {`{"contains":false,"minContains":0}`, []string{`[1]`}},
	{`{"prefixItems":[{"type":"string"}],"items":false}`, []string{`["a"]`, `[1]`}}, {`{"items":{"type":"string"}}`, []string{`["a",1]`}},
	{`{"unevaluatedProperties":false,"allOf":[{"properties":{"a":true}}]}`, []string{`{"a":1}`, `{"b":1}`}},
	{`{"unevaluatedItems":false,"anyOf":[{"prefixItems":[true]}]}`, []string{`[1]`, `[1,2]`}},
	{`{"$ref":"#/$defs/a","$defs":{"a":{"minimum":3,"maximum":1}}}`, []string{`2`}}, {`{"$ref":"#/$defs/a","$defs":{"a":{"minimum":3}}}`, []string{`2`}},
	{`{"properties":{"x":{"$ref":"#"}},"required":["y"]}`, []string{`{"y":1,"x":{"x":1}}`}},
	{`{"$ref":"#x","$defs":{"a":{"$anchor":"x","type":"string"}}}`, []string{`1`}}, {`{"$defs":{"a":{"$id":"http://h/a","type":"string"}},"$ref":"http://h/a"}`, []string{`1`}},
	{`{"$ref":"#/$defs/a","$defs":{"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#/$defs/a"}}}`, []string{`1`}},
	{`{"$id":"http://h/tree","$dynamicAnchor":"n","properties":{"c":{"$dynamicRef":"#n"}},"required":["v"]}`, []string{`{"v":1,"c":{}}`}},
	{`{"$ref":"http://json-schema.org/draft-07/schema#"}`, []string{`{"type":"x"}`, `{"minLength":-1}`}},
	{`{"format":"ipv4"}`, []string{`"x"`}},
	{`{` + d4 + `"minimum":3,"exclusiveMinimum":true}`, []string{`3`, `4`}}, {`{` + d4 + `"items":[{}],"additionalItems":false}`, []string{`[1,2,3]`}},
	{`{` + d4 + `"definitions":{"a":{"type":"string"}},"properties":{"x":{"$ref":"#/definitions/a","type":"number"}}}`, []string{`{"x":1}`}},
	{`{` + d6 + `"const":1,"contains":{}}`, []string{`2`}}, {`{` + d7 + `"$id":"http://x/y","definitions":{"a":{"$id":"#foo","type":"string"}},"$ref":"#foo"}`, []string{`1`}},
	{`{` + d2019 + `"$recursiveAnchor":true,"additionalProperties":{"$recursiveRef":"#"},"minProperties":1}`, []string{`{"a":{}}`}},
	{`{` + d2019 + `"items":[{"type":"string"}],"unevaluatedItems":false}`, []string{`["a",1]`}},
	{`{` + d7 + `"format":"date"}`, []string{`"2020-02-29"`, `"2021-02-29"`, `"2020-13-01"`, `"20-1-1"`, `"2020-1-01"`, `"2020-01-1"`, `"2020-01-011"`, `"2020/01/01"`}},
	{`{` + d7 + `"format":"time"}`, []string{`"12:00:00Z"`, `"12:00:00"`, `"24:00:00Z"`, `"23:59:60Z"`, `"22:59:60Z"`, `"12:00:00+01:00"`, `"12:00:00.Z"`, `"12:00:00+0100"`, `"1a:00:00Z"`, `"12:00:00+24:00"`}},
	{`{` + d7 + `"format":"date-time"}`, []string{`"2020-01-01T00:00:00Z"`, `"2020-01-01 00:00:00Z"`, `"2020-01-01"`, `"2020-99-01T00:00:00Z"`, `"2020-01-01T99:00:00Z"`}},
	{`{` + d7 + `"format":"ipv4"}`, []string{`"1.2.3.4"`, `"1.2.3"`, `"01.2.3.4"`, `"1.2.3.256"`, `"a.2.3.4"`, `"1.2.3.-4"`, `"1.2..4"`}},
	{`{` + d7 + `"format":"ipv6"}`, []string{`"::1"`, `"::"`, `"1"`, `"::g"`, `"1::2::3"`, `"12345::"`, `"1:2:3:4:5:6:7"`, `"1:2:3:4:5:6:7:8:9"`, `"::1%eth0"`, `"::1%"`, `"::1.2.3.4"`, `"::1.2.3"`, `"1:2:3:4:5:6:7:1.2.3.4"`, `"1:"`, `"1.2:3"`, `"1:2:3:4:5:6:7::8"`, `"::01.2.3.4"`, `"::1.2.3.400"`}},
	{`{` + d7 + `"format":"hostname"}`, []string{`"a.b"`, `"a..b"`, `"-a"`, `"a-"`, `"a_b"`, `"ä"`, `"a."`, `"` + strings.Repeat("a", 64) + `"`, `"` + strings.Repeat("a.", 150) + `"`}},
	{`{` + d7 + `"format":"email"}`, []string{`"a@b"`, `"a"`, `".a@b"`, `"a.@b"`, `"a..b@c"`, `"a b@c"`, `"\"a b\"@c"`, `"\"a\\b\"@c"`, `"a@[1.2.3.4]"`, `"a@[1.2.3]"`, `"a@[IPv6:::1]"`, `"a@[IPv6:x]"`, `"a@b_c"`}},
	{`{` + d7 + `"format":"uri"}`, []string{`"http://a/b"`, `"/a"`, `"http://[::1"`, `"http://[::g]/"`, `"a b:"`, `"urn:x:y"`, `"http://a/%zz"`}},
	{`{` + d7 + `"format":"uri-reference"}`, []string{`"/a"`, `"a\\b"`, `"%"`}}, {`{` + d7 + `"format":"iri"}`, []string{`"http://ä/b"`, `"ä"`}},
	{`{` + d7 + `"format":"uri-template"}`, []string{`"http://a/{b}"`, `"http://a/{b"`, `"http://a/{b{c}}"`, `"http://a/}"`}},
	{`{` + d7 + `"format":"uuid"}`, []string{`"00000000-0000-0000-0000-00000000000a"`, `"0"`, `"0000000-0000-0000-0000-000000000000"`, `"0000000g-0000-0000-0000-000000000000"`}},
	{`{` + d7 + `"format":"duration"}`, []string{`"P1D"`, `"1D"`, `"P"`, `"PT"`, `"P1W"`, `"PW"`, `"PxW"`, `"P1"`, `"P1X"`, `"P1D2Y"`, `"PD"`, `"P1DT1HT1M"`}},
	{`{` + d7 + `"format":"period"}`, []string{`"P1D/2020-01-01T00:00:00Z"`, `"P1D"`, `"P/x"`, `"P1D/x"`, `"2020-01-01T00:00:00Z/P1D"`, `"x/P1D"`, `"2020-01-01T00:00:00Z/P"`, `"2020-01-01T00:00:00Z/x"`}},
	{`{` + d7 + `"format":"json-pointer"}`, []string{`""`, `"/a"`, `"a"`, `"/~2"`, `"/~"`}}, {`{` + d7 + `"format":"relative-json-pointer"}`, []string{`"0"`, `"1/a"`, `"1#"`, `"01"`, `"a"`, `"1a"`}},
	{`{` + d7 + `"format":"regex"}`, []string{`"a"`, `"("`}},
	{`{` + d7 + `"format":"semver"}`, []string{`"1.2.3"`, `"1.2"`, `"1.2.03"`, `"1.2.x"`, `"1.2.3-"`, `"1.2.3-01"`, `"1.2.3-a_b"`, `"1.2.3+"`, `"1.2.3+a..b"`, `"1.2.3+a_b"`, `"1..3"`}},
	{`{` + d7 + `"format":"nope"}`, []string{`"x"`}},
	// schemas that are refused
	{`{"type":"nope"}`, nil}, {`{"minLength":-1}`, nil}, {`{"minLength":"1"}`, nil}, {`{"pattern":"("}`, nil}, {`{"properties":[]}`, nil}, {`{"required":"a"}`, nil},
	{`{"items":[{}]}`, nil}, {`{"enum":1}`, nil}, {`{"$ref":"#/nope"}`, nil}, {`{"$ref":"#nope"}`, nil}, {`{"$ref":"#/a~2"}`, nil}, {`{"$ref":1}`, nil}, {`{"patternProperties":{"(":{}}}`, nil},
	{`{"allOf":[]}`, nil}, {`{"multipleOf":0}`, nil}, {`{"$id":"#x"}`, nil}, {`{"properties":{"a":{"type":"nope"}}}`, nil}, {`{"$anchor":"1"}`, nil}, {`1`, nil}, {`"x"`, nil}, {`[]`, nil},
	{`{"$ref":"%zz"}`, nil}, {`{"$ref":"#%zz"}`, nil},
	{`{"nope":{"type":"bad"},"$ref":"#/nope"}`, nil}, {`{"nope":{"type":"string"},"$ref":"#/nope"}`, []string{`1`}},
	{`{"$schema":"http://json-schema.org/draft-03/schema#"}`, nil}, {`{"$schema":1}`, nil}, {`{"$schema":"http://json-schema.org/schema#","items":[]}`, nil},
	{`{` + d4 + `"exclusiveMinimum":true}`, nil}, {`{` + d4 + `"required":[]}`, nil}, {`{` + d4 + `"id":1}`, nil}, {`{` + d4 + `"minimum":"1"}`, nil}, {`{` + d6 + `"minimum":"1"}`, nil}, {`{` + d7 + `"if":1}`, nil}, {`{` + d7 + `"$ref":"#/a"}`, nil},
	{`{` + d2019 + `"$recursiveRef":1}`, nil}, {`{` + d2019 + `"items":[{"type":"x"}]}`, nil}, {`{` + d7 + `"pattern":"a(?=b)"}`, nil}, {`{` + d7 + `"patternProperties":{"[":{}}}`, nil},
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

func value(text string) any {
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		panic(text)
	}
	return v
}

func main() {
	const url = "file:///dir/schema.json"
	for _, c := range cases {
		compiler := jsonschema.NewCompiler()
		compiler.UseLoader(nil)
		if err := compiler.AddResource(url, value(c.schema)); err != nil {
			panic(err)
		}
		schema, err := compiler.Compile(url)
		if err != nil {
			fmt.Printf("%s\tschema\t%s\n", put(c.schema), put(err.Error()))
			continue
		}
		for _, v := range c.values {
			text := ""
			if err := schema.Validate(value(v)); err != nil {
				text = err.Error()
			}
			fmt.Printf("%s\t%s\t%s\n", put(c.schema), put(v), put(text))
		}
	}
}
