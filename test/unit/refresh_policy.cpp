// When a token source fetches, refreshes and serves its token.

#include "policy_fixture.hpp"

#include <set>

using namespace test;

BOOST_AUTO_TEST_SUITE(refresh_policy)

BOOST_AUTO_TEST_CASE(all_waiters_share_one_fetch)
{
    policy_fixture b;
    BOOST_TEST((b.current_state() == state::empty));
    auto const first = b.get();
    BOOST_TEST((first.kind == decision_kind::wait));
    BOOST_TEST((first.fetch == fetch_reason::empty));
    auto const second = b.get();
    BOOST_TEST((second.kind == decision_kind::wait));
    BOOST_TEST(!second.fetch);
    BOOST_TEST((b.current_state() == state::fetching));
    auto const ended = b.on_fetch_complete(b.token("a"));
    BOOST_TEST(ended.waiters.size() == 2U);
    BOOST_TEST(ended.outcome->value() == "a");
    BOOST_TEST(b.outcome_of_get() == "a");
    BOOST_TEST((b.current_state() == state::fresh));
}

BOOST_AUTO_TEST_CASE(a_due_token_is_refreshed_and_served_meanwhile)
{
    struct row
    {
        double random;
        std::chrono::seconds due;
    };
    for (auto const& [random, due] : {row{0, 2880s}, row{0.5, 2700s}, row{0.999999, 2521s}})
    {
        policy_fixture b;
        b.start_with(b.token("a"), random);
        b.pass(due - 2s);
        BOOST_TEST(!b.get().fetch);
        b.pass(2s);
        auto const decision = b.get();
        BOOST_TEST((decision.fetch == fetch_reason::refresh));
        BOOST_TEST(decision.token.value() == "a");
        BOOST_TEST(!b.get().fetch);
        BOOST_TEST((b.current_state() == state::refreshing));
        (void)b.on_fetch_complete(b.token("b"));
        BOOST_TEST(b.outcome_of_get() == "b");
        BOOST_TEST((b.current_state() == state::fresh));
    }
}

BOOST_AUTO_TEST_CASE(a_token_is_not_served_within_the_margin_before_expiry)
{
    struct row
    {
        std::chrono::seconds life;
        std::chrono::milliseconds usable;
    };
    for (auto const& [life, usable] :
         {row{3600s, 3570s}, row{300s, 270s}, row{100s, 90s}, row{1s, 900ms}})
    {
        policy_fixture b;
        b.start_with(b.token("a", life));
        b.pass(usable - 1ms);
        BOOST_TEST(b.outcome_of_get() == "a");
        b.pass(1ms);
        // The refresh is running.
        BOOST_TEST(b.outcome_of_get() == "wait");
    }
}

BOOST_AUTO_TEST_CASE(a_token_ends_by_either_clock)
{
    policy_fixture by_wall;
    by_wall.start_with(by_wall.token("a"));
    by_wall.wall += 3570s;
    BOOST_TEST(by_wall.outcome_of_get() == "wait");
    policy_fixture by_steady;
    by_steady.start_with(by_steady.token("a"));
    by_steady.steady += 3570s;
    by_steady.wall -= 7200s;
    BOOST_TEST(by_steady.outcome_of_get() == "wait");
}

// Single-use tokens are requested once a second and shared by all who wait meanwhile.
BOOST_AUTO_TEST_CASE(single_use_tokens_are_fetched_at_most_once_a_second)
{
    policy_fixture b;
    int fetches = 0;
    std::size_t served = 0;
    bool sent = false;
    // A call every 10 ms for ten seconds; a response takes 20 ms.
    for (int i = 0; i < 1000; ++i)
    {
        (void)b.get();
        if (b.tested.is_fetching() && b.now().steady >= b.tested.fetch_start())
        {
            fetches += sent ? 0 : 1;
            if (sent)
                served += b.on_fetch_complete(b.token("a", 0s)).waiters.size();
            sent = !sent;
        }
        b.pass(10ms);
    }
    BOOST_TEST(fetches == 10);
    BOOST_TEST(served > 850U);
}

BOOST_AUTO_TEST_CASE(the_refresh_time_that_the_server_requests_is_kept)
{
    struct row
    {
        char const* json;
        std::optional<std::chrono::seconds> lifetime;
        std::optional<std::chrono::seconds> due;
    };
    for (auto const& [json, lifetime, due] :
         {row{"43200", 86'400s, 43'200s}, row{"\"43200\"", 86'400s, 43'200s},
          row{"\" 43200 \"", 86'400s, 43'200s}, row{"43200.9", 86'400s, 43'200s},
          row{"43200.x", 3600s, 2700s},
          // Not after its end.
          row{"90000", 86'400s, 86'370s}, row{"600", std::nullopt, 600s},
          // Not a sensible time: it is ignored.
          row{"0", 3600s, 2700s}, row{"-5", 3600s, 2700s}, row{"null", 3600s, 2700s},
          row{"\"\"", 3600s, 2700s}, row{"1e3", 3600s, 2700s}, row{"{}", 3600s, 2700s},
          row{"99999999999999999999", 3600s, 2700s}, row{"0", std::nullopt, std::nullopt}})
    {
        policy_fixture b;
        coauth::access_token_info info;
        info.value = coauth::secret(std::string("a"));
        info.requested_at = b.now().wall;
        info.requested_at_steady = b.now().steady;
        info.lifetime = lifetime;
        info.members.push_back({"refresh_in", coauth::secret(std::string(json))});
        b.start_with(access_token(std::move(info)));
        auto const refresh_at = b.tested.times().refresh.steady;
        BOOST_TEST(
            (refresh_at ==
             (due ? b.now().steady + *due : std::chrono::steady_clock::time_point::max())),
            json);
    }
}

BOOST_AUTO_TEST_CASE(a_forced_fetch_serves_the_old_token_meanwhile)
{
    policy_fixture b;
    b.start_with(b.token("a"));
    auto const decision = b.get_new();
    BOOST_TEST((decision.kind == decision_kind::wait));
    BOOST_TEST((decision.fetch == fetch_reason::forced));
    BOOST_TEST(b.outcome_of_get() == "a");
    BOOST_TEST(!b.get_new().fetch);
    auto ended = b.on_fetch_complete(error(errc::connect_failed));
    BOOST_TEST(ended.waiters.size() == 2U);
    BOOST_TEST(b.outcome_of_get() == "a");
    // The back-off does not delay it.
    BOOST_TEST((b.get_new().fetch == fetch_reason::forced));
    (void)b.on_fetch_complete(b.token("b"));
    BOOST_TEST(b.outcome_of_get() == "b");
}

BOOST_AUTO_TEST_CASE(invalidate_drops_only_that_token)
{
    policy_fixture b;
    auto const first = b.token("a");
    b.start_with(first);
    BOOST_TEST(!b.tested.invalidate(b.now(), b.token("other")));
    BOOST_TEST(!b.tested.invalidate(b.now(), access_token()));
    BOOST_TEST(b.outcome_of_get() == "a");
    BOOST_TEST(b.tested.invalidate(b.now(), first));
    BOOST_TEST(!b.tested.invalidate(b.now(), first));
    auto const decision = b.get();
    BOOST_TEST((decision.fetch == fetch_reason::invalidated));
    (void)b.on_fetch_complete(b.token("b"));
    // A late report of the old token has no effect.
    BOOST_TEST(!b.tested.invalidate(b.now(), first));
    BOOST_TEST(b.outcome_of_get() == "b");
}

BOOST_AUTO_TEST_CASE(a_server_that_returns_a_rejected_token_again_causes_no_loop)
{
    policy_fixture b;
    auto const same = b.token("a");
    b.start_with(same);
    int fetches = 0;
    // A rejection every 10 ms for ten minutes.
    for (int i = 0; i < 60'000; ++i)
    {
        b.pass(10ms);
        if (b.tested.invalidate(b.now(), same))
        {
            BOOST_TEST_REQUIRE((b.get().kind == decision_kind::wait));
            ++fetches;
            (void)b.on_fetch_complete(b.token("a"), 0.9);
        }
        BOOST_TEST_REQUIRE(b.outcome_of_get() == "a");
    }
    BOOST_TEST(fetches > 5);
    BOOST_TEST(fetches < 20);
}

BOOST_AUTO_TEST_CASE(an_api_that_rejects_every_token_causes_no_loop)
{
    policy_fixture b;
    b.start_with(b.token("t"));
    int fetches = 0;
    // A rejection every 10 ms for ten minutes.
    for (int i = 0; i < 60'000; ++i)
    {
        b.pass(10ms);
        auto const* const present = b.tested.usable_token(b.now());
        BOOST_TEST_REQUIRE(present != nullptr);
        auto const refused = *present;
        if (b.tested.invalidate(b.now(), refused))
        {
            BOOST_TEST_REQUIRE((b.get().kind == decision_kind::wait));
            (void)b.on_fetch_complete(b.token("t" + std::to_string(++fetches)), 0.9);
        }
    }
    BOOST_TEST(fetches > 5);
    BOOST_TEST(fetches < 150);
}

BOOST_AUTO_TEST_CASE(a_token_that_is_returned_again_keeps_its_first_expiry)
{
    policy_fixture b;
    auto const first = b.token("a");
    b.start_with(first);
    int fetches = 0;
    for (b.pass(1s); b.tested.usable_token(b.now()) != nullptr; b.pass(1s))
        if (b.get().fetch)
        {
            ++fetches;
            (void)b.on_fetch_complete(b.token("a"));
        }
    // The first expiry time stays in force.
    BOOST_TEST((b.steady == 3570s));
    BOOST_TEST(fetches > 1);
    BOOST_TEST(fetches < 8);
}

BOOST_AUTO_TEST_CASE(a_single_use_token_serves_its_waiters_only)
{
    policy_fixture b;
    (void)b.get();
    auto const ended = b.on_fetch_complete(b.token("a", 0s));
    BOOST_TEST(ended.waiters.size() == 1U);
    BOOST_TEST(ended.outcome->value() == "a");
    BOOST_TEST(b.outcome_of_get() == "wait");
}

// The server returns single-use tokens only, and the source does whatever the policy returns.
BOOST_AUTO_TEST_CASE(single_use_tokens_are_not_fetched_in_advance)
{
    coauth::token_source_options options;
    options.refresh_when_idle = true;
    policy_fixture b(options);
    BOOST_TEST((b.tested.next_action(b.now(), true) == fetch_reason::empty));
    int fetches = 0;
    for (int i = 0; i < 6'000; ++i)
    {
        if (b.tested.is_fetching())
        {
            ++fetches;
            (void)b.on_fetch_complete(b.token("a", 0s));
        }
        auto const next = b.tested.next_refresh(b.now());
        BOOST_TEST_REQUIRE(next.has_value());
        BOOST_TEST_REQUIRE((*next > b.now().steady));
        b.pass(100ms);
        (void)b.tested.next_action(b.now(), true);
    }
    // Ten minutes, one fetch every two.
    BOOST_TEST(fetches == 5);
    // A call gets one.
    BOOST_TEST((b.tested.is_fetching() || b.outcome_of_get() == "wait"));
    (void)b.on_fetch_complete(b.token("b"));
    BOOST_TEST(b.outcome_of_get() == "b");
    BOOST_TEST((*b.tested.next_refresh(b.now()) == b.now().steady + 2700s));
}

BOOST_AUTO_TEST_CASE(a_single_use_token_does_not_replace_a_due_token)
{
    policy_fixture b;
    b.start_with(b.token("a"));
    b.pass(3000s);
    BOOST_TEST(b.get().fetch.has_value());
    (void)b.on_fetch_complete(b.token("once", 0s));
    b.pass(60s);
    BOOST_TEST(!b.get().fetch);
    b.pass(60s);
    BOOST_TEST(b.get().fetch.has_value());
}

BOOST_AUTO_TEST_CASE(a_token_that_expired_on_arrival_fails_its_waiters)
{
    policy_fixture b;
    (void)b.get();
    auto const late = b.token("a", 5s);
    b.pass(5s);
    auto const ended = b.on_fetch_complete(late);
    BOOST_TEST(outcome(ended.outcome) == "timeout");
    BOOST_TEST(b.outcome_of_get() == "timeout");
}

BOOST_AUTO_TEST_CASE(a_token_without_known_end_is_served_until_its_maximum_age)
{
    policy_fixture b;
    b.start_with(b.token("a", std::nullopt));
    b.pass(std::chrono::hours(24 * 3650));
    auto const decision = b.get();
    BOOST_TEST(decision.token.value() == "a");
    BOOST_TEST(!decision.fetch);

    coauth::token_source_options aged;
    aged.max_age = 600s;
    policy_fixture limited(aged);
    limited.start_with(limited.token("a", std::nullopt));
    limited.pass(500s);
    BOOST_TEST((limited.get().fetch == fetch_reason::refresh));
    (void)limited.on_fetch_complete(error(errc::connect_failed));
    limited.pass(70s);
    BOOST_TEST(limited.outcome_of_get() == "wait");
}

BOOST_AUTO_TEST_CASE(the_longest_options_do_not_overflow)
{
    coauth::token_source_options longest;
    longest.max_age = std::chrono::seconds::max();
    longest.expiry_margin = 24h * 365;
    longest.min_refresh_interval = 24h * 365;
    for (auto const life :
         {std::optional(3600s), std::optional(std::chrono::seconds::max()),
          std::optional<std::chrono::seconds>()})
    {
        policy_fixture b(longest);
        b.start_with(b.token("a", life));
        b.pass(3000s);
        auto const decision = b.get();
        BOOST_TEST(decision.token.value() == "a");
        BOOST_TEST(decision.fetch.has_value() == (life == 3600s));
    }
}

BOOST_AUTO_TEST_CASE(cancelled_waiters_leave_the_fetch_and_the_others)
{
    coauth::token_source_options ends;
    ends.cancel_when_unwaited = true;
    for (bool const cancel : {false, true})
    {
        policy_fixture b(cancel ? ends : coauth::token_source_options());
        (void)b.get();
        (void)b.get();
        BOOST_TEST(b.tested.remove(b.waiters[0]));
        BOOST_TEST(!b.tested.remove(b.waiters[0]));
        BOOST_TEST(!b.tested.should_cancel_fetch());
        BOOST_TEST(b.tested.remove(b.waiters[1]));
        BOOST_TEST(b.tested.should_cancel_fetch() == cancel);
        BOOST_TEST(!b.tested.should_cancel_fetch());
        // A call that arrives before the fetch has ended gets a fetch of its own.
        BOOST_TEST(b.outcome_of_get() == "wait");
        auto const ended = b.on_fetch_complete(error(errc::cancelled));
        BOOST_TEST(ended.abandoned == cancel);
        BOOST_TEST(ended.fetch.has_value() == cancel);
        BOOST_TEST(ended.waiters.size() == (cancel ? 0U : 1U));
    }
}

BOOST_AUTO_TEST_CASE(a_refresh_is_not_cancelled)
{
    coauth::token_source_options ends;
    ends.cancel_when_unwaited = true;
    policy_fixture b(ends);
    b.start_with(b.token("a"));
    b.pass(3000s);
    BOOST_TEST(b.get().fetch.has_value());
    BOOST_TEST(!b.tested.should_cancel_fetch());
}

// The next one would begin at once.
BOOST_AUTO_TEST_CASE(a_fetch_that_would_start_again_is_not_cancelled)
{
    coauth::token_source_options both;
    both.cancel_when_unwaited = true;
    both.refresh_when_idle = true;
    policy_fixture b(both);
    (void)b.get();
    BOOST_TEST(b.tested.remove(b.waiters[0]));
    BOOST_TEST(!b.tested.should_cancel_fetch());
}

BOOST_AUTO_TEST_CASE(waiters_time_out_in_the_order_of_their_limits)
{
    policy_fixture b;
    std::deque<policy_fixture::waiter> waiters(200);
    std::multiset<policy_fixture::waiter::time_point> expected;
    for (std::size_t i = 0; i < waiters.size(); ++i)
    {
        waiters[i].limit = b.now().steady + std::chrono::milliseconds((i * 7919) % 1000);
        expected.insert(waiters[i].limit);
        (void)b.tested.get(b.now(), waiters[i]);
    }
    for (std::size_t i = 0; i < waiters.size(); i += 3)
    {
        expected.erase(expected.find(waiters[i].limit));
        BOOST_TEST_REQUIRE(b.tested.remove(waiters[i]));
    }
    for (auto const limit : expected)
    {
        BOOST_TEST_REQUIRE((b.tested.next_time_limit() == limit));
        BOOST_TEST_REQUIRE((b.tested.pop_expired(limit - 1ns) == nullptr));
        auto const* const expired = b.tested.pop_expired(limit);
        BOOST_TEST_REQUIRE(expired != nullptr);
        BOOST_TEST_REQUIRE((expired->limit == limit));
    }
    BOOST_TEST(b.tested.waiter_count() == 0U);
    BOOST_TEST(!b.tested.next_time_limit());
}

BOOST_AUTO_TEST_CASE(refresh_when_idle_maintains_the_token_without_calls)
{
    policy_fixture b;
    BOOST_TEST(!b.tested.next_action(b.now(), false));
    BOOST_TEST((b.tested.next_action(b.now(), true) == fetch_reason::empty));
    BOOST_TEST(!b.tested.next_refresh(b.now()));
    (void)b.on_fetch_complete(b.token("a"));
    auto const next = b.tested.next_refresh(b.now());
    BOOST_TEST_REQUIRE(next.has_value());
    BOOST_TEST((*next == b.now().steady + 2700s));
    b.pass(2700s);
    BOOST_TEST((b.tested.next_action(b.now(), false) == fetch_reason::refresh));
}

BOOST_AUTO_TEST_CASE(a_closed_policy_cancels_waiters_and_starts_no_fetch)
{
    policy_fixture b;
    (void)b.get();
    b.tested.close(error(errc::cancelled));
    BOOST_TEST((b.current_state() == state::closed));
    BOOST_TEST(b.outcome_of_get() == "cancelled");
    BOOST_TEST((b.get_new().kind == decision_kind::refuse));
    auto const ended = b.on_fetch_complete(b.token("a"));
    BOOST_TEST(ended.abandoned);
    BOOST_TEST(ended.waiters.size() == 1U);
    BOOST_TEST(outcome(ended.outcome) == "cancelled");
    BOOST_TEST((b.tested.usable_token(b.now()) == nullptr));
}

BOOST_AUTO_TEST_CASE(options_out_of_range_are_errors)
{
    using coauth::token_source_options;
    auto const refused = [](auto change)
    {
        token_source_options options;
        change(options);
        auto const checked = coauth::policy::check(options);
        return checked ? std::string() : std::string(checked.error().context());
    };
    auto const nan = std::numeric_limits<double>::quiet_NaN();
    BOOST_TEST(refused([](auto&) {}) == "");
    check_contains(refused([](auto& o) { o.refresh_at = 0; }), "refresh_at");
    check_contains(refused([](auto& o) { o.refresh_at = 1.1; }), "refresh_at");
    check_contains(refused([=](auto& o) { o.refresh_at = nan; }), "refresh_at");
    check_contains(refused([](auto& o) { o.refresh_jitter = 0.8; }), "refresh_jitter");
    check_contains(refused([=](auto& o) { o.refresh_jitter = nan; }), "refresh_jitter");
    check_contains(refused([](auto& o) { o.expiry_margin = -1ms; }), "expiry_margin");
    check_contains(refused([](auto& o) { o.min_refresh_interval = -1ms; }), "min_refresh_interval");
    using std::chrono::milliseconds;
    check_contains(
        refused([](auto& o) { o.expiry_margin = milliseconds::max(); }), "expiry_margin");
    check_contains(
        refused([](auto& o) { o.min_refresh_interval = 24h * 366; }), "min_refresh_interval");
    BOOST_TEST(
        refused([](auto& o) { o.expiry_margin = o.min_refresh_interval = 24h * 365; }) == "");
    check_contains(refused([](auto& o) { o.max_age = 0s; }), "max_age");
    check_contains(refused([](auto& o) { o.initial_back_off = 0ms; }), "initial_back_off");
    check_contains(refused([](auto& o) { o.max_back_off = 500ms; }), "initial_back_off");
    check_contains(refused([](auto& o) { o.max_back_off = 25h; }), "max_back_off");
    check_contains(refused([](auto& o) { o.refused_back_off = 500ms; }), "refused_back_off");
    check_contains(refused([](auto& o) { o.refused_back_off = 25h; }), "refused_back_off");
    check_contains(refused([](auto& o) { o.max_retry_after = -1ms; }), "max_retry_after");
    check_contains(refused([](auto& o) { o.back_off_factor = 0.5; }), "back_off_factor");
    check_contains(refused([=](auto& o) { o.back_off_factor = nan; }), "back_off_factor");
}

BOOST_AUTO_TEST_SUITE_END()
