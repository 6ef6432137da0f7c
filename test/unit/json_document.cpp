#include "values/json_document.hpp"

#include "memory_watch.hpp"
#include "support.hpp"
#include "values/encoding.hpp"

using namespace test;

BOOST_AUTO_TEST_SUITE(json_document)

using coauth::detail::json_kind;

namespace
{

using document = coauth::detail::json_document;

std::string nested(std::size_t depth, std::string const& open, std::string const& close)
{
    std::string out;
    for (std::size_t i = 0; i < depth; ++i)
        out += open;
    for (std::size_t i = 0; i < depth; ++i)
        out += close;
    return out;
}

} // namespace

BOOST_AUTO_TEST_CASE(members_are_read_by_their_kind)
{
    auto const got = document::parse(
        R"( {"a":"x\"y\u00e9\n","b":-1.50e3,"c":true,"d":null,"e":{"f":[1,{"g":"h\\"}],"i":{}},)"
        R"("j":[],"k":"","":1} )");
    BOOST_TEST_REQUIRE(got.has_value());
    struct row
    {
        char const* name;
        json_kind kind;
        std::string text;
    };
    for (auto const& row : std::vector<row>{
             {"a", json_kind::string, "x\"y\xC3\xA9\n"},
             {"b", json_kind::number, "-1.50e3"},
             {"c", json_kind::boolean, "true"},
             {"d", json_kind::null, "null"},
             {"e", json_kind::object, R"({"f":[1,{"g":"h\\"}],"i":{}})"},
             {"j", json_kind::array, "[]"},
             {"k", json_kind::string, ""},
             {"", json_kind::number, "1"},
             {"f", json_kind::absent, ""},
             {"A", json_kind::absent, ""},
         })
        BOOST_TEST_CONTEXT(row.name)
        {
            auto const value = got->find(row.name);
            BOOST_TEST((value.kind == row.kind));
            BOOST_TEST(value.text == row.text);
            BOOST_TEST(value.as_string().has_value() == (row.kind == json_kind::string));
        }
    BOOST_TEST(got->size() == 8U);
    BOOST_TEST(got->name(1) == "b");
    BOOST_TEST(got->value(1).text == "-1.50e3");
}

BOOST_AUTO_TEST_CASE(members_of_a_nested_error_are_read)
{
    auto const got = document::parse(
        R"({"error":{"type":"t","code":1600,"x":{"type":"deep"},"y":[{"message":"deep"}]},)"
        R"("other":{"message":"not here"}})");
    BOOST_TEST_REQUIRE(got.has_value());
    BOOST_TEST(got->find_in_error("type").text == "t");
    BOOST_TEST(got->find_in_error("code").text == "1600");
    BOOST_TEST((got->find_in_error("message").kind == json_kind::absent));
    BOOST_TEST((got->find("type").kind == json_kind::absent));
}

BOOST_AUTO_TEST_CASE(invalid_documents_are_rejected)
{
    struct row
    {
        char const* name;
        std::string text;
    };
    std::string const good = R"({"access_token":"t"})";
    for (auto const& row : std::vector<row>{
             {"empty", ""},
             {"blank", " \n"},
             {"array", "[" + good + "]"},
             {"string", R"("x")"},
             {"number", "1"},
             {"null", "null"},
             {"two documents", good + good},
             {"rubbish behind it", good + " x"},
             {"NUL behind it", good + "\0"s},
             {"byte order mark", "\xEF\xBB\xBF" + good},
             {"UTF-16", "\xFF\xFE{\0}\0"s},
             {"comment", R"({/**/"a":1})"},
             {"line comment", "{\"a\":1}//"},
             {"trailing comma", R"({"a":1,})"},
             {"single quotes", R"({'a':1})"},
             {"bare name", R"({a:1})"},
             {"NaN", R"({"a":NaN})"},
             {"Infinity", R"({"a":Infinity})"},
             {"leading zero", R"({"a":01})"},
             {"plus sign", R"({"a":+1})"},
             {"hex", R"({"a":0x1})"},
             {"lone point", R"({"a":1.})"},
             {"raw line break", "{\"a\":\"x\ny\"}"},
             {"raw NUL", "{\"a\":\"x\0y\"}"s},
             {"bad escape", R"({"a":"\x41"})"},
             {"lone high surrogate", R"({"a":"\ud800"})"},
             {"lone low surrogate", R"({"a":"\udc00"})"},
             {"invalid UTF-8", "{\"a\":\"\xFF\"}"},
             {"overlong UTF-8", "{\"a\":\"\xC0\x80\"}"},
             {"surrogate in UTF-8", "{\"a\":\"\xED\xA0\x80\"}"},
             {"cut UTF-8", "{\"a\":\"\xE2\x82\"}"},
             {"33 deep", "{\"a\":" + nested(33, "[", "]") + "}"},
             {"100,000 arrays", "{\"a\":" + nested(100'000, "[", "]") + "}"},
             {"100,000 objects", nested(100'000, "{\"a\":", "}")},
             {"number beyond any range",
              "{\"a\":" + std::string(100'000, '9') + "e" + std::string(100'000, '9') + "x}"},
         })
        BOOST_TEST_CONTEXT(row.name)
    BOOST_TEST(!document::parse(row.text).has_value());
}

BOOST_AUTO_TEST_CASE(every_prefix_is_rejected)
{
    std::string const whole =
        R"({"access_token":"\u00e9\ud83d\ude00","expires_in":-1.5e3,"x":[{"y":null}],"z":true})";
    BOOST_TEST(document::parse(whole).has_value());
    for (std::size_t size = 0; size < whole.size(); ++size)
        BOOST_TEST_CONTEXT(size)
    BOOST_TEST(!document::parse(whole.substr(0, size)).has_value());
}

BOOST_AUTO_TEST_CASE(duplicate_members_are_rejected)
{
    std::string many;
    for (int i = 0; i < 100; ++i)
        many += "\"m" + std::to_string(i) + "\":1,";
    for (auto const* name :
         {"access_token",
          "token_type",
          "expires_in",
          "refresh_token",
          "scope",
          "error",
          "error_description",
          "error_uri",
          "type",
          "title",
          "detail",
          "message",
          "uri",
          "code",
          "active",
          "aud",
          "exp",
          "nbf",
          "iat",
          "sub",
          "iss",
          "client_id",
          "username",
          "cnf",
          "issuer",
          "token_endpoint",
          "introspection_endpoint",
          "revocation_endpoint",
          "mtls_endpoint_aliases",
          "token_endpoint_auth_methods_supported",
          "x"})
        BOOST_TEST_CONTEXT(name)
        {
            auto const pair = "\""s + name + "\":1";
            BOOST_TEST(document::parse("{" + pair + "}").has_value());
            BOOST_TEST(!document::parse("{" + pair + "," + pair + "}").has_value());
            BOOST_TEST(!document::parse("{\"error\":{" + pair + "," + pair + "}}").has_value());
            BOOST_TEST(!document::parse("{" + pair + "," + many + pair + "}").has_value());
            BOOST_TEST(
                !document::parse("{\"error\":{" + pair + ",\"" + name + "\":{}}}").has_value());
            BOOST_TEST(
                !document::parse("{\"error\":{\""s + name + "\":[]," + pair + "}}").has_value());
            BOOST_TEST(document::parse("{\"other\":{" + pair + "," + pair + "}}").has_value());
        }
    // Escapes do not make another name.
    BOOST_TEST(!document::parse(R"({"error":1,"err\u006fr":2})").has_value());
    // Deeper levels are not checked.
    BOOST_TEST(document::parse(R"({"error":{"x":{"y":1,"y":2}}})").has_value());
}

BOOST_AUTO_TEST_CASE(times_are_read_or_out_of_range)
{
    struct row
    {
        char const* text;
        // Seconds, or -1.
        std::int64_t expected;
    };
    for (auto const& row : std::vector<row>{
             {"0", 0},
             {"1795392000", 1'795'392'000},
             {"1795392000.9", 1'795'392'000},
             {"1.795392000e9", 1'795'392'000},
             {"1.7953920009e+09", 1'795'392'000},
             {"17953920000e-1", 1'795'392'000},
             {"1e3", 1000},
             {"\"1795392000\"", 1'795'392'000},
             {"\"1.5e3\"", 1500},
             {"9223372035", 9'223'372'035},
             // Later than the clock can represent, such as the year 9999.
             {"9223372037", 9'223'372'036},
             {"253402300799", 9'223'372'036},
             {"99999999999999999999", 9'223'372'036},
             {"1e300", 9'223'372'036},
             {"1e400", -1},
             {"-1", -1},
             {"-0.5", -1},
             {"\"\"", -1},
             {"\" 1\"", -1},
             {"\"1x\"", -1},
             {"\"inf\"", -1},
             {"\"nan\"", -1},
             {"\"0x10\"", -1},
             {"\"never\"", -1},
             {"null", -1},
             {"true", -1},
             {"[1]", -1},
         })
        BOOST_TEST_CONTEXT(row.text)
        {
            auto const text = R"({"exp":)"s + row.text + "}";
            auto const time = document::parse(text)->find("exp").as_time();
            auto const seconds =
                time ? std::chrono::floor<std::chrono::seconds>(time->time_since_epoch()).count()
                     : -1;
            BOOST_TEST(seconds == row.expected);
        }
}

BOOST_AUTO_TEST_CASE(lists_of_strings_are_read)
{
    struct row
    {
        std::string text;
        // Joined, or "none".
        std::string expected;
    };
    std::string const long_one(65'532, 'x');
    for (auto const& row : std::vector<row>{
             {"[\"" + long_one + "\"]", long_one + " "},
             {"[\"" + long_one + "x\"]", "none"},
             {"\"a\"", "a "},
             {R"(["a","b\u0041"])", "a bA "},
             {"[]", ""},
             {R"(["a",1])", "none"},
             {"[1e400]", "none"},
             {"{}", "none"},
             {"null", "none"},
         })
        BOOST_TEST_CONTEXT(row.text)
        {
            auto const text = R"({"aud":)"s + row.text + "}";
            auto const parsed = document::parse(text);
            auto const strings =
                parsed ? parsed->find("aud").as_strings() : std::vector<std::string>{};
            std::string joined;
            for (auto const& one : strings.value_or(std::vector<std::string>{}))
                joined += one + " ";
            BOOST_TEST((strings ? joined : "none"s) == row.expected);
        }
}

BOOST_AUTO_TEST_CASE(documents_up_to_the_limits_are_accepted)
{
    struct row
    {
        char const* name;
        std::string text;
    };
    std::string many = "{";
    for (int i = 0; i < 999; ++i)
        many += "\"m" + std::to_string(i) + "\":" + std::to_string(i) + ",";
    many += "\"last\":1}";
    std::string values;
    for (int i = 0; i < 24'999; ++i)
        values += "1,[],";
    std::string const big(100'000, 'x');
    for (auto const& row : std::vector<row>{
             {"1,000 members", many},
             {"name of 100 KB", "{\"" + big + "\":1,\"last\":1}"},
             {"text of 100 KB", R"({"a":")" + big + "\",\"last\":1}"},
             {"number of 100 KB", "{\"a\":" + std::string(100'000, '7') + ",\"last\":1}"},
             {"50,000 values", "{\"a\":[" + values.substr(0, values.size() - 1) + "],\"last\":1}"},
             {"31 deep", "{\"a\":" + nested(31, "[", "]") + ",\"last\":1}"},
         })
        BOOST_TEST_CONTEXT(row.name)
        {
            auto const got = document::parse(row.text);
            BOOST_TEST_REQUIRE(got.has_value());
            BOOST_TEST(got->find("last").text == "1");
        }
    BOOST_TEST(!document::parse("{\"one\":\"more\"," + many.substr(1)).has_value());
    BOOST_TEST(!document::parse("{\"a\":[" + values + "1],\"last\":1}").has_value());
    BOOST_TEST(!document::parse("{\"a\":[" + values + "{}],\"last\":1}").has_value());
}

BOOST_AUTO_TEST_CASE(parsed_text_is_wiped)
{
    constexpr char const* token = "correct-horse-battery-staple-0123456789";
    auto const text = R"({"access_token":")"s + token + R"(","nested":{"x":[")" + token +
                      R"("]},"error":{"message":")" + token + "\"}}";
    memory_watch const watch(token);
    BOOST_TEST(document::parse(text).has_value());
    BOOST_TEST(!document::parse(std::string_view(text).substr(0, text.size() - 2)).has_value());
    BOOST_TEST(watch.found() == 0U);
    BOOST_TEST(watch.released() != 0U);
}

BOOST_AUTO_TEST_CASE(strings_are_written_with_escapes)
{
    coauth::secret out;
    coauth::detail::append_json_string(out, "a\"b\\c\b\f\n\r\t\0\x1f\x7f\xC3\xA9"sv);
    BOOST_TEST(out.view() == "\"a\\\"b\\\\c\\b\\f\\n\\r\\t\\u0000\\u001f\x7f\xC3\xA9\"");
}

BOOST_AUTO_TEST_SUITE_END()
