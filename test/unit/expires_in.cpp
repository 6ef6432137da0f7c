#include "protocol/expires_in.hpp"

#include <coauth/smscx.hpp>

#include "support.hpp"

using namespace test;

BOOST_AUTO_TEST_SUITE(expires_in)

using coauth::expires_in_rule;
using coauth::detail::json_kind;

namespace
{

constexpr std::int64_t longest = 2'147'483'647;

// "no end", "malformed", or seconds.
std::string meaning(json_kind kind, std::string_view text, coauth::expires_in_rules const& rules)
{
    auto const got = coauth::protocol::interpret_expires_in({kind, text}, rules);
    if (!got.valid)
        return "malformed";
    return got.seconds ? std::to_string(got.seconds->count()) : "no end";
}

struct expires_in_case
{
    json_kind kind;
    std::string text;
    std::string generic;
    std::string smscx;
};

std::vector<expires_in_case> expires_in_cases()
{
    using enum json_kind;
    auto const same = [](json_kind kind, std::string const& text, std::string const& both)
    { return expires_in_case{kind, text, both, both}; };
    return {
        same(absent, "", "no end"),
        same(null, "null", "no end"),
        same(string, "never", "no end"),
        same(string, "Never", "no end"),
        same(string, "NEVER", "no end"),
        {number, "0", "0", "no end"},
        {number, "-0", "0", "no end"},
        {number, "-1", "0", "no end"},
        {number, "0.9", "0", "no end"},
        {number, "-1e300", "0", "no end"},
        {string, "0", "0", "no end"},
        {string, "-3600", "0", "no end"},
        same(number, "1", "1"),
        same(number, "3600", "3600"),
        same(number, "3600.9", "3600"),
        same(number, "3.6e3", "3600"),
        same(number, "36E2", "3600"),
        same(string, "3600", "3600"),
        same(string, "3600.5", "3600"),
        same(number, "2147483647", std::to_string(longest)),
        same(number, "2147483648", std::to_string(longest)),
        same(number, "18446744073709551616", std::to_string(longest)),
        same(number, "1000000000000000000000000000000", std::to_string(longest)),
        same(number, "1e308", std::to_string(longest)),
        same(number, "1e400", "malformed"),
        same(number, "-1e400", "malformed"),
        same(number, std::string(10'000, '9'), "malformed"),
        same(boolean, "true", "malformed"),
        same(array, "[]", "malformed"),
        same(object, "{}", "malformed"),
        same(string, "", "malformed"),
        same(string, "soon", "malformed"),
        same(string, "nevermore", "malformed"),
        same(string, "neve", "malformed"),
        same(string, "3600s", "malformed"),
        same(string, " 3600", "3600"),
        same(string, " 3600 ", "3600"),
        same(string, "\t3600.5\r\n", "3600"),
        same(string, " never ", "no end"),
        same(string, "36 00", "malformed"),
        same(string, " ", "malformed"),
        same(string, "+3600", "malformed"),
        same(string, "0x10", "malformed"),
        same(string, "nan", "malformed"),
        same(string, "inf", "malformed"),
        same(string, "-inf", "malformed"),
        same(string, "Infinity", "malformed"),
        same(string, "-", "malformed"),
        same(string, "1 2", "malformed"),
        same(string, "12\0"s, "malformed"),
    };
}

} // namespace

BOOST_AUTO_TEST_CASE(expires_in_is_read_by_the_rules_of_the_server)
{
    for (auto const& row : expires_in_cases())
        BOOST_TEST_CONTEXT(static_cast<int>(row.kind) << " " << row.text.substr(0, 40))
        {
            BOOST_TEST(meaning(row.kind, row.text, coauth::expires_in_rules()) == row.generic);
            BOOST_TEST(
                meaning(row.kind, row.text, coauth::smscx::server().expires_in) == row.smscx);
        }
}

BOOST_AUTO_TEST_CASE(each_rule_of_expires_in_can_be_configured)
{
    struct row
    {
        expires_in_rule chosen;
        char const* expected;
    };
    for (auto const& row : std::vector<row>{
             {expires_in_rule::unknown, "no end"},
             {expires_in_rule::single_use, "0"},
             {expires_in_rule::assumed, "77"},
             {expires_in_rule::malformed, "malformed"},
         })
        BOOST_TEST_CONTEXT(row.expected)
        {
            coauth::expires_in_rules rules;
            rules.absent = rules.zero = rules.never = row.chosen;
            rules.assumed = 77s;
            BOOST_TEST(meaning(json_kind::absent, "", rules) == row.expected);
            BOOST_TEST(meaning(json_kind::null, "", rules) == row.expected);
            BOOST_TEST(meaning(json_kind::string, "never", rules) == row.expected);
            BOOST_TEST(meaning(json_kind::number, "0", rules) == row.expected);
            BOOST_TEST(meaning(json_kind::number, "60", rules) == "60");
        }
}

BOOST_AUTO_TEST_SUITE_END()
