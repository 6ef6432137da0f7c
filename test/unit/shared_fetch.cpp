// How one process of a fleet shares a token: the steps of a fetch, and what it publishes.

#include "policy/shared_fetch.hpp"

#include "policy/shared_life.hpp"
#include "policy/store_breaker.hpp"
#include "support.hpp"

using namespace test;

BOOST_AUTO_TEST_SUITE(shared_fetch)

using coauth::access_token;
using coauth::errc;
using coauth::fetch_reason;
using fetch_policy = coauth::policy::shared_fetch;
using coauth::policy::shared_record;
using coauth::policy::store_breaker;
using action = fetch_policy::action;
using claim_state = fetch_policy::claim_state;

namespace
{

std::chrono::steady_clock::time_point const start(1000h);

fetch_policy::options options(fetch_reason reason = fetch_reason::empty)
{
    return {reason, start + 20s, 100ms, {}};
}

shared_record with_token()
{
    shared_record record;
    record.has_token = true;
    return record;
}

shared_record claimed()
{
    shared_record record;
    record.claimed = true;
    return record;
}

char const* name(action what)
{
    switch (what)
    {
    case action::load:
        return "load";
    case action::claim:
        return "claim";
    case action::remove:
        return "remove";
    case action::wait:
        return "wait";
    case action::fetch:
        return "fetch";
    case action::serve:
        return "serve";
    case action::fail:
        return "fail";
    }
    return "?";
}

access_token
token(std::string value, std::optional<std::chrono::seconds> life, std::chrono::seconds age = 0s)
{
    coauth::access_token_info info;
    info.value = std::move(value);
    info.lifetime = life;
    info.requested_at = std::chrono::system_clock::time_point(2000h) - age;
    info.requested_at_steady = start - age;
    return access_token(std::move(info));
}

} // namespace

BOOST_AUTO_TEST_CASE(the_first_load_decides)
{
    struct row
    {
        char const* what;
        fetch_reason reason;
        shared_record record;
        char const* next;
    };
    shared_record rejected = with_token();
    rejected.is_rejected = true;
    shared_record same = with_token();
    same.is_better = false;
    shared_record failed;
    failed.back_off = 1s;
    shared_record over;
    over.back_off = -1s;
    shared_record both = with_token();
    both.back_off = 1s;
    shared_record alone;
    alone.unshareable = true;
    shared_record old = with_token();
    old.age = 10s;
    for (auto const& [what, reason, record, next] : std::vector<row>{
             {"nothing", fetch_reason::empty, {}, "claim"},
             {"a token", fetch_reason::empty, with_token(), "serve"},
             {"a token", fetch_reason::refresh, with_token(), "serve"},
             {"the token that it has", fetch_reason::refresh, same, "claim"},
             {"the rejected token", fetch_reason::invalidated, rejected, "remove"},
             {"a failure", fetch_reason::expired, failed, "fail"},
             {"a failure", fetch_reason::refresh, failed, "fail"},
             {"a failure of long ago", fetch_reason::empty, over, "claim"},
             {"a failure and a token", fetch_reason::empty, both, "serve"},
             {"a failure", fetch_reason::forced, failed, "claim"},
             {"an older token", fetch_reason::forced, old, "claim"},
             {"a token that cannot be shared", fetch_reason::empty, alone, "fetch"},
             {"a claim", fetch_reason::empty, claimed(), "wait"}})
        BOOST_TEST_CONTEXT(what << " when " << to_string(reason))
        {
            fetch_policy tested(options(reason), start);
            BOOST_TEST(name(tested.begin().what) == "load"s);
            auto const step = tested.on_loaded(start + 1ms, record, 0.5);
            BOOST_TEST(name(step.what) == next);
            BOOST_TEST((tested.claim() == claim_state::none));
            BOOST_TEST(!tested.failed_open());
        }
}

BOOST_AUTO_TEST_CASE(a_claim_that_was_won_loads_again_and_fetches)
{
    fetch_policy tested(options(), start);
    (void)tested.on_loaded(start + 1ms, {}, 0.5);
    auto const step = tested.on_claimed(start + 2ms, true, 0.5);
    BOOST_TEST(name(step.what) == "load"s);
    BOOST_TEST((tested.claim() == claim_state::owned));
    // Its own claim.
    auto const fetch = tested.on_loaded(start + 3ms, claimed(), 0.5);
    BOOST_TEST(name(fetch.what) == "fetch"s);
    BOOST_TEST(!tested.was_held());

    fetch_policy late(options(), start);
    (void)late.on_loaded(start + 1ms, {}, 0.5);
    (void)late.on_claimed(start + 2ms, true, 0.5);
    BOOST_TEST(name(late.on_loaded(start + 3ms, with_token(), 0.5).what) == "serve"s);
    BOOST_TEST((late.claim() == claim_state::owned));
}

BOOST_AUTO_TEST_CASE(a_held_claim_is_waited_for_and_taken_when_it_is_gone)
{
    fetch_policy tested(options(), start);
    auto now = start + 1ms;
    (void)tested.on_loaded(now, {}, 0.5);
    auto step = tested.on_claimed(now, false, 0.5);
    for (int i = 0; i < 5; ++i)
    {
        BOOST_TEST(name(step.what) == "wait"s);
        BOOST_TEST((step.until - now >= 50ms && step.until - now <= 100ms));
        now = step.until;
        step = tested.on_waited(now);
        BOOST_TEST(name(step.what) == "load"s);
        step = tested.on_loaded(now, claimed(), i % 2);
    }
    BOOST_TEST(tested.was_held());
    (void)tested.on_waited(now);
    BOOST_TEST(name(tested.on_loaded(now, {}, 0.5).what) == "claim"s);
}

BOOST_AUTO_TEST_CASE(the_waits_grow_and_end)
{
    for (bool const has_usable_token : {false, true})
    {
        fetch_policy tested(
            options(has_usable_token ? fetch_reason::refresh : fetch_reason::expired), start);
        auto now = start;
        auto step = tested.on_loaded(now, claimed(), 0.5);
        unsigned waits = 0;
        for (; step.what == action::wait; ++waits)
        {
            BOOST_TEST((step.until - now <= (has_usable_token ? 1250ms : 400ms)));
            now = step.until;
            step = tested.on_waited(now);
            if (step.what == action::load)
                step = tested.on_loaded(now, claimed(), 0.99);
        }
        BOOST_TEST(name(step.what) == "fetch"s);
        BOOST_TEST((now == start + 20s));
        BOOST_TEST(!tested.failed_open());
        BOOST_TEST(waits < 80U);
    }
}

BOOST_AUTO_TEST_CASE(a_rejected_token_is_removed_once_and_then_claimed)
{
    auto rejected = with_token();
    rejected.is_rejected = true;
    fetch_policy tested(options(fetch_reason::invalidated), start);
    BOOST_TEST(name(tested.on_loaded(start, rejected, 0.5).what) == "remove"s);
    BOOST_TEST(name(tested.on_removed(start).what) == "claim"s);
    // Somebody has written it again.
    (void)tested.on_claimed(start, true, 0.5);
    BOOST_TEST(name(tested.on_loaded(start, rejected, 0.5).what) == "fetch"s);
}

BOOST_AUTO_TEST_CASE(an_error_of_the_store_ends_in_a_fetch)
{
    struct row
    {
        char const* at;
        claim_state claim;
        bool failed_open;
    };
    for (auto const& [at, claim, failed_open] : std::vector<row>{
             {"first load", claim_state::none, true},
             {"claim", claim_state::unknown, true},
             {"second load", claim_state::owned, false},
             {"poll", claim_state::none, true}})
        BOOST_TEST_CONTEXT(at)
        {
            fetch_policy tested(options(), start);
            if (at == "claim"sv || at == "second load"sv)
                (void)tested.on_loaded(start, {}, 0.5);
            if (at == "second load"sv)
                (void)tested.on_claimed(start, true, 0.5);
            if (at == "poll"sv)
                (void)tested.on_waited(tested.on_loaded(start, claimed(), 0.5).until);
            BOOST_TEST(name(tested.on_store_error(start, 0.5).what) == "fetch"s);
            BOOST_TEST((tested.claim() == claim));
            BOOST_TEST(tested.failed_open() == failed_open);
        }
}

BOOST_AUTO_TEST_CASE(a_refresh_looks_again_after_one_error_of_a_load)
{
    fetch_policy tested(options(fetch_reason::refresh), start);
    auto const wait = tested.on_store_error(start + 100ms, 0.5);
    BOOST_TEST(name(wait.what) == "wait"s);
    BOOST_TEST((wait.until == start + 1100ms));
    BOOST_TEST(!tested.was_held());
    BOOST_TEST(name(tested.on_waited(wait.until).what) == "load"s);
    BOOST_TEST(name(tested.on_store_error(wait.until + 100ms, 0.5).what) == "fetch"s);
    BOOST_TEST(tested.failed_open());
}

BOOST_AUTO_TEST_CASE(a_slow_store_delays_a_fetch_by_at_most_two_time_limits)
{
    fetch_policy tested(options(), start);
    BOOST_TEST((tested.begin().until == start + 100ms));
    auto step = tested.on_loaded(start + 90ms, {}, 0.5);
    BOOST_TEST((step.until == start + 190ms));
    step = tested.on_claimed(start + 180ms, true, 0.5);
    BOOST_TEST((step.until == start + 200ms));
    fetch_policy late(options(), start);
    (void)late.on_loaded(start + 90ms, {}, 0.5);
    BOOST_TEST(name(late.on_claimed(start + 200ms, true, 0.5).what) == "fetch"s);
    BOOST_TEST((late.claim() == claim_state::owned));
    BOOST_TEST(!late.failed_open());
}

BOOST_AUTO_TEST_CASE(a_process_that_fails_alone_lets_others_claim_first)
{
    auto chosen = options();
    chosen.claim_delay = 200ms;
    fetch_policy tested(chosen, start);
    auto const wait = tested.on_loaded(start, {}, 0.5);
    BOOST_TEST(name(wait.what) == "wait"s);
    BOOST_TEST((wait.until - start >= 100ms && wait.until - start <= 200ms));
    BOOST_TEST(!tested.was_held());
    (void)tested.on_waited(wait.until);
    BOOST_TEST(name(tested.on_loaded(wait.until, {}, 0.5).what) == "claim"s);
}

BOOST_AUTO_TEST_CASE(a_claim_is_renewed_at_half_of_its_lease_until_the_fetch_ends)
{
    coauth::policy::claim_renewal renewal(start, 10s, start + 12s);
    BOOST_TEST((renewal.next() == start + 5s));
    renewal.on_renewed(start + 5s);
    BOOST_TEST((renewal.next() == start + 10s));
    renewal.on_renewed(start + 10s);
    BOOST_TEST(!renewal.next());
}

BOOST_AUTO_TEST_CASE(the_breaker_opens_after_three_errors_and_tries_one_at_a_time)
{
    store_breaker breaker;
    auto now = start;
    breaker.on_error(now, 0);
    breaker.on_error(now, 0);
    breaker.on_success();
    breaker.on_error(now, 0);
    breaker.on_error(now, 0);
    BOOST_TEST(breaker.admit(now));
    breaker.on_error(now, 1);
    auto longest = 1000ms;
    for (int i = 0; i < 5; ++i)
    {
        BOOST_TEST(!breaker.admit(now));
        // Of fetches that began before.
        breaker.on_error(now, 1);
        BOOST_TEST(!breaker.admit(now + longest - 1ms));
        now += longest;
        BOOST_TEST(breaker.admit(now));
        BOOST_TEST(!breaker.admit(now));
        // The one that tries it has said nothing.
        BOOST_TEST(breaker.admit(now + 1s));
        now += 1s;
        breaker.on_error(now, 1);
        longest = std::min(longest * 2, 4000ms);
    }
    now += longest;
    BOOST_TEST(breaker.admit(now));
    breaker.on_success();
    BOOST_TEST(breaker.admit(now));
    BOOST_TEST(breaker.admit(now));
}

BOOST_AUTO_TEST_CASE(a_token_is_shared_until_a_margin_before_its_end)
{
    using coauth::policy::shared_life;
    struct row
    {
        access_token shared;
        std::optional<std::chrono::milliseconds> life;
    };
    for (auto const& [shared, life] : std::vector<row>{
             {access_token(), std::nullopt},
             {token("a", 3600s), 3570s},
             {token("a", 3600s, 600s), 2970s},
             {token("a", 3600s, 3569s), 1s},
             {token("a", 3600s, 3570s), std::nullopt},
             {token("a", 100s), 90s},
             {token("a", 1s), std::nullopt},
             {token("a", 0s), std::nullopt},
             {token("a", std::nullopt), 1h},
             {token("a", std::chrono::seconds::max()), 24h * 365 - 30s}})
        BOOST_TEST((shared_life(shared, start) == life));
}

BOOST_AUTO_TEST_CASE(a_token_replaces_one_that_ends_earlier_by_a_tenth)
{
    using coauth::policy::replaces;
    BOOST_TEST(replaces(token("a", 3600s), {}, start));
    BOOST_TEST(!replaces({}, token("a", 3600s), start));
    BOOST_TEST(!replaces(token("a", 3600s), token("a", 3600s, 1000s), start));
    BOOST_TEST(replaces(token("b", 3600s), token("a", 3600s, 361s), start));
    BOOST_TEST(!replaces(token("b", 3600s), token("a", 3600s, 359s), start));
    BOOST_TEST(replaces(token("b", std::nullopt), token("a", std::nullopt, 1s), start));
    BOOST_TEST(!replaces(token("b", std::nullopt, 1s), token("a", std::nullopt), start));
}

BOOST_AUTO_TEST_CASE(failures_of_the_server_are_shared_and_others_are_not)
{
    struct row
    {
        errc code;
        unsigned status;
        unsigned attempts;
        bool shared;
    };
    for (auto const& [code, status, attempts, shared] : std::vector<row>{
             {errc::connect_failed, 0, 3, true},
             {errc::timeout, 0, 1, true},
             {errc::http_error, 502, 1, true},
             {errc::rate_limited, 429, 1, true},
             {errc::invalid_scope, 400, 1, true},
             {errc::invalid_client, 401, 1, false},
             {errc::http_error, 401, 1, false},
             {errc::connect_failed, 0, 0, false},
             {errc::cancelled, 0, 1, false},
             {errc::invalid_configuration, 0, 1, false},
             {errc::out_of_memory, 0, 1, false},
             {errc::internal_error, 0, 1, false}})
        BOOST_TEST_CONTEXT(to_string(code) << ' ' << status)
        {
            coauth::error_info info;
            info.http_status = status;
            info.attempts = attempts;
            BOOST_TEST(coauth::policy::is_shared(coauth::error(code, std::move(info))) == shared);
        }
}

BOOST_AUTO_TEST_CASE(the_shared_back_off_grows_and_obeys_the_server)
{
    std::chrono::system_clock::time_point const now(2000h);
    coauth::error const plain(errc::connect_failed);
    auto back_off = [&](unsigned count, double random, coauth::error const& of)
    { return coauth::policy::shared_back_off(of, count, now, random); };
    BOOST_TEST((back_off(1, 0, plain) == 500ms));
    BOOST_TEST((back_off(1, 1, plain) == 1000ms));
    BOOST_TEST((back_off(3, 1, plain) == 4000ms));
    BOOST_TEST((back_off(1000, 1, plain) == 30s));
    coauth::error_info info;
    info.retry_at = now + 60s;
    BOOST_TEST((back_off(1, 0, coauth::error(errc::rate_limited, info)) == 60s));
    info.retry_at = now + 100h;
    BOOST_TEST((back_off(1, 0, coauth::error(errc::rate_limited, info)) == 1h));
    info.retry_at = now - 1h;
    BOOST_TEST((back_off(1, 0, coauth::error(errc::rate_limited, info)) == 500ms));
}

BOOST_AUTO_TEST_SUITE_END()
