// Which failures of an operation are followed by another attempt.

#include "policy/attempts.hpp"

#include "policy/hedging.hpp"
#include "support.hpp"

using namespace test;

BOOST_AUTO_TEST_SUITE(attempts)

using coauth::errc;
using machine_type = coauth::policy::attempts;
using coauth::policy::request_traits;

namespace
{

using action = machine_type::action;

constexpr std::chrono::system_clock::time_point now{std::chrono::seconds(1'795'392'000)};
constexpr request_traits plain{};
constexpr request_traits refresh_token{.is_single_use_grant = true};
constexpr request_traits dpop{.has_dpop_proof = true};

coauth::error failure(errc code, unsigned status = 0)
{
    coauth::error_info info;
    info.http_status = status;
    return {code, std::move(info)};
}

coauth::retry_options options(unsigned max_attempts = 3)
{
    coauth::retry_options result;
    result.max_attempts = max_attempts;
    result.initial_back_off = 100ms;
    return result;
}

machine_type::decision fail(machine_type& machine, coauth::error const& reason)
{
    return machine.on_failure(reason, {now, 60s, 0.5});
}

// An attempt whose response has this status and error.
machine_type::decision
respond(machine_type& machine, errc code, unsigned status, bool nonce = false)
{
    machine.begin();
    machine.on_sent();
    machine.on_response(status, nonce);
    return fail(machine, failure(code, status));
}

// The events of one attempt before its failure.
enum class reached
{
    nothing,
    sent,
    response,
};

std::string_view name(action what)
{
    switch (what)
    {
    case action::give_up:
        return "give up";
    case action::retry:
        return "retry";
    case action::retry_now:
        return "retry now";
    case action::load_credentials:
        return "load credentials";
    }
    return "?";
}

} // namespace

BOOST_AUTO_TEST_CASE(the_kind_of_failure_decides_what_follows_the_first_attempt)
{
    struct row
    {
        char const* rule;
        request_traits traits;
        reached until;
        errc code;
        unsigned status;
        bool nonce;
        action expected;
    };
    for (auto const& row : std::vector<row>{
             {"no connection", plain, reached::nothing, errc::connect_failed, 0, false,
              action::retry},
             {"no response", plain, reached::sent, errc::connection_lost, 0, false, action::retry},
             {"a server error", plain, reached::response, errc::http_error, 500, false,
              action::retry},
             {"throttled", plain, reached::response, errc::rate_limited, 429, false, action::retry},
             {"a refusal", plain, reached::response, errc::invalid_scope, 400, false,
              action::give_up},
             {"not found", plain, reached::response, errc::http_error, 404, false, action::give_up},
             {"a certificate", plain, reached::nothing, errc::certificate_verify_failed, 0, false,
              action::give_up},
             {"credentials refused", plain, reached::response, errc::invalid_client, 401, false,
              action::load_credentials},
             {"credentials refused by the status alone", plain, reached::response, errc::http_error,
              401, false, action::load_credentials},
             {"a refresh token not sent", refresh_token, reached::nothing, errc::connect_failed, 0,
              false, action::retry},
             {"a refresh token without response", refresh_token, reached::sent,
              errc::connection_lost, 0, false, action::give_up},
             {"a refresh token and a server error", refresh_token, reached::response,
              errc::http_error, 500, false, action::give_up},
             {"a refresh token not processed", refresh_token, reached::response, errc::http_error,
              503, false, action::retry},
             {"a refresh token throttled", refresh_token, reached::response, errc::rate_limited,
              429, false, action::retry},
             {"a nonce for DPoP", dpop, reached::response, errc::use_dpop_nonce, 400, true,
              action::retry_now},
             {"no nonce came", dpop, reached::response, errc::use_dpop_nonce, 400, false,
              action::give_up},
             {"a nonce without DPoP", plain, reached::response, errc::use_dpop_nonce, 400, true,
              action::give_up},
         })
        BOOST_TEST_CONTEXT(row.rule)
        {
            machine_type machine(options(), row.traits);
            BOOST_TEST(machine.begin() == 1U);
            if (row.until != reached::nothing)
                machine.on_sent();
            if (row.until == reached::response)
                machine.on_response(row.status, row.nonce);
            auto const decided = fail(machine, failure(row.code, row.status));
            BOOST_TEST(name(decided.action) == name(row.expected));
            BOOST_TEST((decided.delay == (row.expected == action::retry ? 50ms : 0ms)));
        }
}

BOOST_AUTO_TEST_CASE(the_number_of_attempts_is_limited)
{
    machine_type machine(options(3), plain);
    for (auto const expected : {action::retry, action::retry, action::give_up})
        BOOST_TEST(name(respond(machine, errc::http_error, 503).action) == name(expected));
    BOOST_TEST(machine.count() == 3U);
}

BOOST_AUTO_TEST_CASE(a_delay_beyond_the_deadline_ends_the_operation)
{
    machine_type machine(options(), plain);
    machine.begin();
    auto const decided = machine.on_failure(failure(errc::connect_failed), {now, 50ms, 0.5});
    BOOST_TEST(name(decided.action) == name(action::give_up));
}

BOOST_AUTO_TEST_CASE(a_dpop_nonce_allows_one_more_attempt)
{
    machine_type machine(options(1), dpop);
    auto const first = respond(machine, errc::use_dpop_nonce, 400, true);
    BOOST_TEST(name(first.action) == name(action::retry_now));
    auto const second = respond(machine, errc::use_dpop_nonce, 400, true);
    BOOST_TEST(name(second.action) == name(action::give_up));
    BOOST_TEST(machine.count() == 2U);
}

// The nonce of an earlier attempt was used already.
BOOST_AUTO_TEST_CASE(only_a_nonce_of_the_last_response_counts)
{
    machine_type machine(options(), dpop);
    (void)respond(machine, errc::http_error, 503, true);
    machine.begin();
    machine.on_sent();
    auto const decided = fail(machine, failure(errc::use_dpop_nonce, 400));
    BOOST_TEST(name(decided.action) == name(action::give_up));
}

BOOST_AUTO_TEST_CASE(changed_credentials_allow_one_more_attempt)
{
    machine_type machine(options(1), plain);
    auto const first = respond(machine, errc::invalid_client, 401);
    BOOST_TEST(name(first.action) == name(action::load_credentials));
    BOOST_TEST(machine.credentials_were_sent());
    BOOST_TEST(name(machine.on_credentials_loaded(true).action) == name(action::retry_now));
    // The new ones were not sent yet.
    BOOST_TEST(!machine.credentials_were_sent());
    auto const second = respond(machine, errc::invalid_client, 401);
    BOOST_TEST(name(second.action) == name(action::give_up));
    BOOST_TEST(machine.credentials_were_sent());
}

BOOST_AUTO_TEST_CASE(unchanged_credentials_allow_no_further_attempt)
{
    machine_type machine(options(), plain);
    (void)respond(machine, errc::invalid_client, 401);
    BOOST_TEST(name(machine.on_credentials_loaded(false).action) == name(action::give_up));
    BOOST_TEST(machine.credentials_were_sent());
}

// A nonce and changed credentials are different reasons.
BOOST_AUTO_TEST_CASE(nonce_and_changed_credentials_allow_one_attempt_each)
{
    machine_type machine(options(1), dpop);
    auto const first = respond(machine, errc::use_dpop_nonce, 400, true);
    BOOST_TEST(name(first.action) == name(action::retry_now));
    auto const second = respond(machine, errc::invalid_client, 401);
    BOOST_TEST(name(second.action) == name(action::load_credentials));
    BOOST_TEST(name(machine.on_credentials_loaded(true).action) == name(action::retry_now));
}

// A request that the server may have processed stays so if a later attempt is not sent.
BOOST_AUTO_TEST_CASE(a_grant_that_may_be_consumed_stays_so_after_later_attempts)
{
    machine_type machine(options(5), refresh_token);
    auto const first = respond(machine, errc::rate_limited, 429);
    BOOST_TEST(name(first.action) == name(action::retry));
    machine.begin();
    BOOST_TEST(name(fail(machine, failure(errc::connect_failed)).action) == name(action::retry));
    machine.begin();
    machine.on_sent();
    BOOST_TEST(name(fail(machine, failure(errc::connection_lost)).action) == name(action::give_up));
    machine.begin();
    BOOST_TEST(name(fail(machine, failure(errc::connect_failed)).action) == name(action::give_up));
}

BOOST_AUTO_TEST_CASE(a_stale_connection_is_replaced_within_the_attempt)
{
    struct row
    {
        char const* rule;
        request_traits traits;
        std::optional<unsigned> status;
        bool closed_before_response;
        bool stale;
    };
    for (auto const& row : std::vector<row>{
             {"closed", plain, {}, true, true},
             {"another failure", plain, {}, false, false},
             {"408", plain, 408, false, true},
             {"another status", plain, 500, false, false},
             {"closed, with a refresh token", refresh_token, {}, true, false},
             {"408, with a refresh token", refresh_token, 408, false, true},
         })
        BOOST_TEST_CONTEXT(row.rule)
        {
            machine_type machine(options(), row.traits);
            machine.begin();
            machine.on_sent();
            BOOST_TEST(
                machine.is_stale_connection_failure(row.status, row.closed_before_response) ==
                row.stale);
            BOOST_TEST(machine.count() == 1U);
        }
}

BOOST_AUTO_TEST_CASE(a_silent_connection_is_suspected_in_time)
{
    struct row
    {
        std::chrono::milliseconds option;
        std::chrono::nanoseconds last_response;
        std::chrono::nanoseconds left;
        std::optional<std::chrono::nanoseconds> delay;
    };
    for (auto const& [option, last_response, left, delay] : std::vector<row>{
             {2s, 0s, 10s, 2s},
             {2s, 100ms, 10s, 2s},
             // A slow server.
             {2s, 3s, 30s, 6s},
             {2s, 8s, 10s, 5s},
             // A near deadline.
             {2s, 0s, 3s, 1500ms},
             {2s, 0s, 0s, 0s},
             {std::chrono::milliseconds::max(), 0s, 10s, std::nullopt},
             {std::chrono::milliseconds::max() - 1ms, 0s, 10s, 5s}})
        BOOST_TEST(
            (coauth::policy::hedging_delay(option, last_response, left) == delay),
            option.count() << " ms, " << last_response.count() << ", " << left.count());
}

BOOST_AUTO_TEST_CASE(a_refresh_token_is_neither_hedged_nor_sent_on_an_old_connection)
{
    machine_type const refreshing({}, refresh_token);
    BOOST_TEST(!refreshing.may_hedge());
    BOOST_TEST(refreshing.may_reuse(1s));
    BOOST_TEST(!refreshing.may_reuse(1s + 1ns));
    machine_type const other({}, plain);
    BOOST_TEST(other.may_hedge());
    BOOST_TEST(other.may_reuse(1h));
}

BOOST_AUTO_TEST_SUITE_END()
