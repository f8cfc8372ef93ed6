/* The only file in C++: RE2 is a C++ library. No exception leaves it. */
extern "C" {
#include "base/arena.h"
#include "text/utf8.h"
}
#include "lang/regex/regex.h"

#include <re2/re2.h>

#include <new>
#include <string>
#include <vector>

/* C++ has no compound literals: the kd_str of a literal. */
#define TEXT(literal) kd_str_of(literal, sizeof(literal) - 1)

struct kd_regex {
    re2::RE2 re;
    kd_regex(const std::string &expression, const re2::RE2::Options &options) : re(expression, options) {}
};

namespace
{

/* Walks over an expression and tells what is syntax and what stands for itself. */
class walker
{
  public:
    explicit walker(kd_str expression) : s(expression) {}
    bool done() const { return at >= s.n; }
    bool starts(const char *text) const
    {
        size_t n = strlen(text);
        return s.n - at >= n && memcmp(s.p + at, text, n) == 0;
    }
    /* Outside of classes and quoted text? */
    bool plain() const { return !quoted && !in_class; }
    bool is_quoted() const { return quoted; }
    void step()
    {
        if (quoted) {
            if (starts("\\E")) {
                quoted = false;
                at++;
            }
        } else if (s.p[at] == '\\') {
            if (!in_class && starts("\\Q"))
                quoted = true;
            at += at + 1 < s.n;
        } else if (in_class) {
            class_byte();
        } else if (s.p[at] == '[') {
            in_class = true;
            if (at + 1 < s.n && s.p[at + 1] == '^')
                at++;
            if (at + 1 < s.n && s.p[at + 1] == ']')
                at++;
        }
        at++;
    }
    kd_str s;
    size_t at = 0;

  private:
    void class_byte()
    {
        if (s.p[at] == ']') {
            in_class = false;
        } else if (starts("[:")) {
            size_t end = at + 2;
            while (end + 1 < s.n && !(s.p[end] == ':' && s.p[end + 1] == ']'))
                end++;
            if (end + 1 < s.n)
                at = end + 1;
        }
    }
    bool quoted = false, in_class = false;
};

/* RE2 knows only the older of the two spellings of a named group: (?P<name> for (?<name>. And it takes \C, any byte,
 * which Go refuses: \Z is refused by both, in the same place. */
struct translation {
    std::string text;
    std::vector<size_t> origin; /* of each byte, and of the end: its place in the expression */

    void add(const char *p, size_t n, size_t from)
    {
        text.append(p, n);
        for (size_t i = 0; i < n; i++)
            origin.push_back(from + i);
    }
    /* A piece of the text in the spelling of the expression. */
    std::string original(kd_str expression, const std::string &piece) const
    {
        size_t at = text.find(piece);
        if (at == std::string::npos)
            return piece;
        size_t from = origin[at], to = origin[at + piece.size()];
        return std::string(expression.p + from, to - from);
    }
};

/* The long names of Unicode's categories, in canonical form, and how RE2 calls them. */
const struct {
    const char *name, *category;
} categories[] = {
    {"Closepunctuation", "Pe"},    {"Combiningmark", "M"},         {"Connectorpunctuation", "Pc"},
    {"Control", "Cc"},             {"Currencysymbol", "Sc"},       {"Dashpunctuation", "Pd"},
    {"Decimalnumber", "Nd"},       {"Enclosingmark", "Me"},        {"Finalpunctuation", "Pf"},
    {"Format", "Cf"},              {"Initialpunctuation", "Pi"},   {"Letter", "L"},
    {"Letternumber", "Nl"},        {"Lineseparator", "Zl"},        {"Lowercaseletter", "Ll"},
    {"Mark", "M"},                 {"Mathsymbol", "Sm"},           {"Modifierletter", "Lm"},
    {"Modifiersymbol", "Sk"},      {"Nonspacingmark", "Mn"},       {"Number", "N"},
    {"Openpunctuation", "Ps"},     {"Other", "C"},                 {"Otherletter", "Lo"},
    {"Othernumber", "No"},         {"Otherpunctuation", "Po"},     {"Othersymbol", "So"},
    {"Paragraphseparator", "Zp"},  {"Privateuse", "Co"},           {"Punctuation", "P"},
    {"Separator", "Z"},            {"Spaceseparator", "Zs"},       {"Spacingmark", "Mc"},
    {"Surrogate", "Cs"},           {"Symbol", "S"},                {"Titlecaseletter", "Lt"},
    {"Uppercaseletter", "Lu"},     {"Cntrl", "Cc"},                {"Digit", "Nd"},
    {"Punct", "P"},
};

/* \p{ decimal_number} and \p{GREEK} as RE2 knows them: Nd, Greek. Names with an underscore that RE2 knows stay. */
std::string class_name(const std::string &name)
{
    bool negated = !name.empty() && name[0] == '^';
    std::string canonical;
    for (char c : negated ? name.substr(1) : name) {
        if (c == '_' || c == '-' || c == ' ')
            continue;
        uint8_t byte = static_cast<uint8_t>(c);
        canonical += static_cast<char>(canonical.empty() ? kd_upper(byte) : kd_lower(byte));
    }
    if (name.find('_') != std::string::npos && re2::RE2("\\p{" + name + "}", re2::RE2::Quiet).ok())
        return name;
    for (const auto &c : categories)
        if (canonical == c.name)
            canonical = c.category;
    return negated ? "^" + canonical : canonical;
}

translation translate(kd_str expression)
{
    translation out;
    for (walker w(expression); !w.done();) {
        size_t from = w.at;
        if (!w.is_quoted() && (w.starts("\\p{") || w.starts("\\P{"))) {
            std::string rest(expression.p + from, expression.n - from);
            size_t end = rest.find('}');
            std::string name = end == std::string::npos ? "" : class_name(rest.substr(3, end - 3));
            if (!name.empty() && re2::RE2("\\p{" + name + "}", re2::RE2::Quiet).ok()) {
                std::string written = rest.substr(0, 3) + name + "}";
                for (char c : written)
                    out.add(&c, 1, from);
                w.at += end + 1;
                continue;
            }
        }
        if (w.plain() && w.starts("(?<") && expression.n - from > 3) {
            out.add("(?", 2, from);
            out.add("P", 1, from + 2);
            w.at += 2;
            continue;
        }
        bool any_byte = !w.is_quoted() && w.starts("\\C");
        w.step();
        out.add(any_byte ? "\\Z" : expression.p + from, w.at - from, from);
    }
    out.origin.push_back(expression.n);
    return out;
}

/* From its last escape on. */
std::string last_escape(kd_str expression)
{
    size_t from = 0;
    for (walker w(expression); !w.done(); w.step())
        if (w.starts("\\"))
            from = w.at;
    return std::string(expression.p + from, expression.n - from);
}

size_t first_bad(kd_str s)
{
    uint32_t rune = 0;
    for (size_t i = 0, n; i < s.n; i += n) {
        n = kd_utf8_decode(s.p + i, s.n - i, &rune);
        if (n == 1 && rune == KD_RUNE_BAD)
            return i;
    }
    return s.n;
}

const char *words(re2::RE2::ErrorCode code)
{
    switch (code) {
    case re2::RE2::ErrorBadEscape:
        return "invalid escape sequence";
    case re2::RE2::ErrorBadCharClass:
        return "invalid character class";
    case re2::RE2::ErrorBadCharRange:
        return "invalid character class range";
    case re2::RE2::ErrorMissingBracket:
        return "missing closing ]";
    case re2::RE2::ErrorMissingParen:
        return "missing closing )";
    case re2::RE2::ErrorUnexpectedParen:
        return "unexpected )";
    case re2::RE2::ErrorTrailingBackslash:
        return "trailing backslash at end of expression";
    case re2::RE2::ErrorRepeatArgument:
        return "missing argument to repetition operator";
    case re2::RE2::ErrorRepeatSize:
        return "invalid repeat count";
    case re2::RE2::ErrorRepeatOp:
        return "invalid nested repetition operator";
    case re2::RE2::ErrorBadPerlOp:
        return "invalid or unsupported Perl syntax";
    case re2::RE2::ErrorBadUTF8:
        return "invalid UTF-8";
    case re2::RE2::ErrorBadNamedCapture:
        return "invalid named capture";
    case re2::RE2::ErrorPatternTooLarge:
        return "expression too large";
    default:
        return "regexp/syntax: internal error";
    }
}

kd_str refusal(kd_arena *arena, const char *what, const std::string &piece)
{
    kd_str text =
        kd_arena_printf(arena, "error parsing regexp: %s: `%.*s`", what, static_cast<int>(piece.size()), piece.data());
    return text.p ? text : TEXT("error parsing regexp");
}

/* What Go says of an expression that RE2 refuses. */
kd_str explain(kd_arena *arena, kd_str expression, const translation &told, const re2::RE2 &re)
{
    std::string whole(expression.p, expression.n), piece = told.original(expression, re.error_arg());
    switch (re.error_code()) {
    case re2::RE2::ErrorTrailingBackslash:
        return refusal(arena, words(re.error_code()), "");
    case re2::RE2::ErrorMissingParen:
    case re2::RE2::ErrorUnexpectedParen:
    case re2::RE2::ErrorPatternTooLarge:
        return refusal(arena, words(re.error_code()), whole);
    case re2::RE2::ErrorBadUTF8:
        if (kd_utf8_valid(expression)) /* it ends within an escape: \x{ */
            return refusal(arena, words(re2::RE2::ErrorBadEscape), last_escape(expression));
        return refusal(arena, words(re.error_code()), whole.substr(first_bad(expression)));
    default:
        return refusal(arena, words(re.error_code()), piece);
    }
}

kd_regex *compile(kd_arena *arena, kd_str expression, kd_str *error)
{
    re2::RE2::Options options;
    options.set_log_errors(false);
    options.set_max_mem(KD_REGEX_MEMORY);
    translation told = translate(expression);
    kd_regex *regex = new kd_regex(told.text, options);
    if (regex->re.ok())
        return regex;
    *error = explain(arena, expression, told, regex->re);
    delete regex;
    return nullptr;
}

} // namespace

kd_regex *kd_regex_compile(kd_arena *arena, kd_str expression, kd_str *error)
{
    *error = TEXT("");
    try {
        return compile(arena, expression, error);
    } catch (...) {
        *error = TEXT("out of memory");
        return nullptr;
    }
}

void kd_regex_destroy(kd_regex *regex)
{
    delete regex;
}

uint32_t kd_regex_groups(const kd_regex *regex)
{
    return static_cast<uint32_t>(regex->re.NumberOfCapturingGroups());
}

static re2::StringPiece piece_of(kd_str text)
{
    return re2::StringPiece(text.p ? text.p : "", text.n);
}

bool kd_regex_match(const kd_regex *regex, kd_str text)
{
    try {
        return regex->re.Match(piece_of(text), 0, text.n, re2::RE2::UNANCHORED, nullptr, 0);
    } catch (...) {
        return false;
    }
}

bool kd_regex_find(const kd_regex *regex, kd_str text, size_t from, kd_str *spans, uint32_t n)
{
    re2::StringPiece found[KD_REGEX_SPANS];
    for (uint32_t i = 0; i < n; i++)
        spans[i] = kd_str_of(nullptr, 0);
    if (from > text.n)
        return false;
    try {
        if (!regex->re.Match(piece_of(text), from, text.n, re2::RE2::UNANCHORED, found,
                             static_cast<int>(n < KD_REGEX_SPANS ? n : KD_REGEX_SPANS)))
            return false;
    } catch (...) {
        return false;
    }
    for (uint32_t i = 0; i < n && i < KD_REGEX_SPANS; i++)
        if (found[i].data())
            spans[i] = kd_str_of(found[i].data(), found[i].size());
    return true;
}
