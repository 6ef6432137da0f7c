#include <coauth/access_token.hpp>

#include "memory_watch.hpp"
#include "support.hpp"

#include <sstream>
#include <type_traits>

using namespace test;

BOOST_AUTO_TEST_SUITE(access_token)

namespace
{

using token = coauth::access_token;
using wall = std::chrono::system_clock::time_point;
using steady = std::chrono::steady_clock::time_point;

constexpr char const* value = "correct-horse-battery-staple-0123456789";
constexpr wall requested{std::chrono::seconds(1'795'392'000)};
constexpr steady requested_steady{std::chrono::seconds(5'000)};

token make(std::optional<std::chrono::seconds> lifetime)
{
    coauth::access_token_info info;
    info.value = coauth::secret(value);
    info.scope = "sms groups";
    info.requested_at = requested;
    info.requested_at_steady = requested_steady;
    info.lifetime = lifetime;
    info.members.push_back({"refresh_token", coauth::secret("\"r\"")});
    info.http_status = 200;
    info.headers.add("X-Request-Id", "7");
    return token(std::move(info));
}

std::string printed(token const& t)
{
    std::ostringstream out;
    out << t;
    return out.str();
}

} // namespace

BOOST_AUTO_TEST_CASE(a_token_has_the_members_of_its_response)
{
    auto const t = make(3600s);
    BOOST_TEST(!t.empty());
    BOOST_TEST(t.value() == value);
    BOOST_TEST(t.authorization() == "Bearer "s + value);
    BOOST_TEST(t.token_type() == "Bearer");
    BOOST_TEST(t.scope() == "sms groups");
    BOOST_TEST((t.requested_at() == requested));
    BOOST_TEST((t.expires_at() == requested + 3600s));
    BOOST_TEST(*t.member("refresh_token") == "\"r\"");
    BOOST_TEST(!t.member("Refresh_Token"));
    BOOST_TEST(t.members().size() == 1U);
    BOOST_TEST(t.http_status() == 200U);
    BOOST_TEST(*t.headers().find("x-request-id") == "7");
}

// The text of the JSON string, whatever escapes the server used.
BOOST_AUTO_TEST_CASE(refresh_token_is_decoded)
{
    for (auto const& [json, expected] : std::vector<std::pair<char const*, char const*>>{
             {R"("r")", "r"},
             {R"("a\/b\u002bc")", "a/b+c"},
             {R"("a\\")", "a\\"},
             {R"("")", ""},
             {R"("\x")", ""},
             {"null", ""},
             {"7", ""},
             {R"({"a":"b"})", ""},
             {"\"", ""},
             {"", ""}})
        BOOST_TEST_CONTEXT(json)
        {
            coauth::access_token_info info;
            info.value = "v";
            info.members.push_back({"id_token", coauth::secret("\"i\"")});
            info.members.push_back({"refresh_token", coauth::secret(json)});
            token const t(std::move(info));
            auto const copy = t;
            BOOST_TEST(copy.refresh_token() == expected);
        }
    BOOST_TEST(token().refresh_token().empty());
}

BOOST_AUTO_TEST_CASE(an_empty_token_has_no_value_and_has_expired)
{
    token const t;
    BOOST_TEST(t.empty());
    BOOST_TEST(t.value() == "");
    BOOST_TEST(t.authorization() == "");
    BOOST_TEST(t.members().empty());
    BOOST_TEST(t.headers().empty());
    BOOST_TEST(t.expired());
    BOOST_TEST(printed(t) == "access_token(none)");
    BOOST_TEST((t == token()));
    BOOST_TEST(!(t == make(1s)));
    BOOST_TEST(!(make(1s) == t));
}

BOOST_AUTO_TEST_CASE(a_token_expires_by_either_clock)
{
    struct row
    {
        char const* name;
        std::chrono::seconds wall_passed;
        std::chrono::seconds steady_passed;
        bool expired;
    };
    for (auto const& row : std::vector<row>{
             {"just requested", 0s, 0s, false},
             {"the last second", 3599s, 3599s, false},
             {"the end", 3600s, 3600s, true},
             {"wall clock stepped forward", 7200s, 10s, true},
             {"wall clock stepped back", -7200s, 3600s, true},
             {"wall clock stepped back, still alive", -7200s, 3599s, false},
             {"machine suspended: the steady clock stood still", 3600s, 5s, true},
         })
        BOOST_TEST_CONTEXT(row.name)
    BOOST_TEST(
        make(3600s).expired(requested + row.wall_passed, requested_steady + row.steady_passed) ==
        row.expired);
    BOOST_TEST(make(0s).expired(requested, requested_steady));
    BOOST_TEST(!make(std::nullopt).expired(wall::max(), steady::max()));
    BOOST_TEST(!make(std::nullopt).expires_at());
}

BOOST_AUTO_TEST_CASE(a_long_lifetime_does_not_overflow)
{
    for (auto const life : {std::chrono::seconds(2'147'483'647), std::chrono::seconds::max()})
    {
        auto const t = make(life);
        BOOST_TEST((*t.expires_at() > requested));
        BOOST_TEST(!t.expired(requested + 1h, requested_steady + 1h));
    }
}

// Also at the start of a clock or before: the steady clock may start with the machine.
BOOST_AUTO_TEST_CASE(an_unlimited_lifetime_never_expires_whenever_it_starts)
{
    constexpr auto for_ever = std::chrono::seconds::max();
    for (auto const begin : {-1000s, 0s, 1000s})
    {
        coauth::access_token_info info;
        info.value = "v";
        info.requested_at = wall(begin);
        info.requested_at_steady = steady(begin);
        info.lifetime = for_ever;
        token const t(info);
        BOOST_TEST(!t.expired());
        BOOST_TEST(!t.expired(requested, requested_steady));
        BOOST_TEST((t.expires_at() == wall::max()));
        info.lifetime = -for_ever;
        BOOST_TEST(token(info).expired(wall(begin), steady(begin)));
    }
}

BOOST_AUTO_TEST_CASE(unset_times_of_access_token_info_have_defaults)
{
    struct row
    {
        char const* name;
        bool wall_given;
        bool steady_given;
        std::chrono::seconds ago;
        bool expired;
    };
    // Longer than the uptime of this machine.
    constexpr auto long_ago = std::chrono::hours(24 * 365 * 50);
    for (auto const& row : std::vector<row>{
             {"neither", false, false, 0s, false},
             {"the wall clock's now", true, false, 0s, false},
             {"the wall clock's a while ago", true, false, 1800s, false},
             {"the wall clock's longer ago", true, false, 3601s, true},
             {"the wall clock's long ago", true, false, long_ago, true},
             {"the other's now", false, true, 0s, false},
             {"the other's a while ago", false, true, 5s, false}})
        BOOST_TEST_CONTEXT(row.name)
        {
            auto const wall_before = std::chrono::system_clock::now();
            auto const steady_before = std::chrono::steady_clock::now();
            coauth::access_token_info info;
            info.value = "v";
            info.lifetime = 3600s;
            if (row.wall_given)
                info.requested_at = wall_before - row.ago;
            if (row.steady_given)
                info.requested_at_steady = steady_before - row.ago;
            token const t(info);
            BOOST_TEST(t.expired() == row.expired);
            // Neither clock makes it live longer than the other.
            auto const slack = std::chrono::steady_clock::now() - steady_before + 1s;
            BOOST_TEST((t.requested_at() >= wall_before - row.ago - 1s));
            BOOST_TEST((t.requested_at() <= wall_before - row.ago + slack));
            BOOST_TEST((t.requested_at_steady() >= steady_before - row.ago - 1s));
            BOOST_TEST((t.requested_at_steady() <= steady_before - row.ago + slack));
        }
    // Nothing overflows.
    for (auto const when : {wall::min(), wall::max()})
    {
        coauth::access_token_info info;
        info.requested_at = when;
        info.lifetime = 3600s;
        BOOST_TEST(token(info).expired() == (when == wall::min()));
    }
    coauth::access_token_info info;
    info.requested_at_steady = steady::min();
    info.lifetime = 3600s;
    BOOST_TEST(token(info).expired());
}

BOOST_AUTO_TEST_CASE(printing_a_token_shows_no_secret)
{
    BOOST_TEST(
        printed(make(3600s)) ==
        "access_token(Bearer, scope \"sms groups\", expires 2026-11-23T01:00:00Z)");
    check_contains(printed(make(std::nullopt)), "no known end");
    check_lacks(printed(make(3600s)), value);
}

BOOST_AUTO_TEST_CASE(tokens_are_equal_if_their_values_are)
{
    BOOST_TEST((make(1s) == make(2s)));
    coauth::access_token_info other;
    other.value = coauth::secret("other");
    BOOST_TEST(!(make(1s) == token(std::move(other))));
}

BOOST_AUTO_TEST_CASE(copies_of_a_token_share_its_memory)
{
    static_assert(std::is_nothrow_copy_constructible_v<token>);
    auto const t = make(1s);
    auto const copy = t; // NOLINT(performance-unnecessary-copy-initialization)
    BOOST_TEST(static_cast<void const*>(copy.value().data()) == t.value().data());
}

BOOST_AUTO_TEST_CASE(a_token_is_wiped_with_its_last_copy)
{
    memory_watch const watch(value);
    {
        auto const t = make(3600s);
        auto const copy = t; // NOLINT(performance-unnecessary-copy-initialization)
        BOOST_TEST(copy.value() == value);
    }
    BOOST_TEST(watch.found() == 0U);
    BOOST_TEST(watch.released() != 0U);
}

BOOST_AUTO_TEST_SUITE_END()
