#include "policy/refresh_policy.hpp"

#include "support.hpp"

#include <deque>
#include <set>

using namespace test;
using coauth::access_token;
using coauth::errc;
using coauth::error;
using coauth::fetch_reason;
using coauth::policy::moment;
using source = coauth::policy::refresh_policy;
using verdict = source::verdict;
using state = coauth::token_source_state;

namespace
{

class caller final : public coauth::detail::waiter_base
{
};

// A source whose clocks and fetches the test moves.
struct bench
{
    explicit bench(coauth::token_source_options const& options = {}) : tested(options) {}

    [[nodiscard]] moment now() const
    {
        return {
            std::chrono::system_clock::time_point(1'800'000'000s) + wall,
            std::chrono::steady_clock::time_point(1'000s) + steady};
    }
    void pass(std::chrono::milliseconds span)
    {
        wall += span;
        steady += span;
    }
    [[nodiscard]] access_token
    token(std::string value, std::optional<std::chrono::seconds> life = 3600s) const
    {
        coauth::access_token_info info;
        info.value = coauth::secret(std::move(value));
        info.requested_at = now().wall;
        info.requested_at_steady = now().steady;
        info.lifetime = life;
        return access_token(std::move(info));
    }
    source::response get()
    {
        callers.emplace_back();
        return tested.get(now(), callers.back());
    }
    source::response refresh()
    {
        callers.emplace_back();
        return tested.refresh(now(), callers.back());
    }
    // The value served, "wait", or the error.
    std::string got()
    {
        auto const made = get();
        if (made.what == verdict::serve)
            return std::string(made.token.value());
        return made.what == verdict::wait ? "wait" : std::string(to_string(made.why.value()));
    }
    source::fetch_result
    on_fetch_complete(coauth::result<access_token> outcome, double random = 0.5)
    {
        return tested.on_fetch_complete(now(), std::move(outcome), random);
    }
    // Fetches the first token.
    void begin_with(access_token const& first, double random = 0.5)
    {
        BOOST_TEST_REQUIRE((get().what == verdict::wait));
        (void)on_fetch_complete(first, random);
    }
    [[nodiscard]] state is() const { return tested.status(now()).state; }

    source tested;
    std::deque<caller> callers;
    std::chrono::milliseconds wall{};
    std::chrono::milliseconds steady{};
};

} // namespace

BOOST_AUTO_TEST_SUITE(refresh_policy)

BOOST_AUTO_TEST_CASE(one_fetch_for_all_who_wait)
{
    bench b;
    BOOST_TEST((b.is() == state::empty));
    auto const first = b.get();
    BOOST_TEST((first.what == verdict::wait));
    BOOST_TEST((first.fetch == fetch_reason::empty));
    auto const second = b.get();
    BOOST_TEST((second.what == verdict::wait));
    BOOST_TEST(!second.fetch);
    BOOST_TEST((b.is() == state::fetching));
    auto const ended = b.on_fetch_complete(b.token("a"));
    BOOST_TEST(ended.done.size() == 2U);
    BOOST_TEST(ended.outcome->value() == "a");
    BOOST_TEST(b.got() == "a");
    BOOST_TEST((b.is() == state::fresh));
}

BOOST_AUTO_TEST_CASE(renewed_at_its_time_and_served_meanwhile)
{
    struct row
    {
        double random;
        std::chrono::seconds due;
    };
    for (auto const& [random, due] : {row{0, 2880s}, row{0.5, 2700s}, row{0.999999, 2521s}})
    {
        bench b;
        b.begin_with(b.token("a"), random);
        b.pass(due - 2s);
        BOOST_TEST(!b.get().fetch);
        b.pass(2s);
        auto const made = b.get();
        BOOST_TEST((made.fetch == fetch_reason::refresh));
        BOOST_TEST(made.token.value() == "a");
        BOOST_TEST(!b.get().fetch);
        BOOST_TEST((b.is() == state::refreshing));
        (void)b.on_fetch_complete(b.token("b"));
        BOOST_TEST(b.got() == "b");
        BOOST_TEST((b.is() == state::fresh));
    }
}

BOOST_AUTO_TEST_CASE(the_margin_before_the_end)
{
    struct row
    {
        std::chrono::seconds life;
        std::chrono::milliseconds usable;
    };
    for (auto const& [life, usable] :
         {row{3600s, 3570s}, row{300s, 270s}, row{100s, 90s}, row{1s, 900ms}})
    {
        bench b;
        b.begin_with(b.token("a", life));
        b.pass(usable - 1ms);
        BOOST_TEST(b.got() == "a");
        b.pass(1ms);
        // The renewal is under way.
        BOOST_TEST(b.got() == "wait");
    }
}

BOOST_AUTO_TEST_CASE(either_clock_ends_it)
{
    bench by_wall;
    by_wall.begin_with(by_wall.token("a"));
    by_wall.wall += 3570s;
    BOOST_TEST(by_wall.got() == "wait");
    bench by_steady;
    by_steady.begin_with(by_steady.token("a"));
    by_steady.steady += 3570s;
    by_steady.wall -= 7200s;
    BOOST_TEST(by_steady.got() == "wait");
}

BOOST_AUTO_TEST_CASE(a_failed_renewal_keeps_the_token_to_its_end)
{
    bench b;
    b.begin_with(b.token("a"));
    b.pass(3000s);
    BOOST_TEST(b.get().fetch.has_value());
    auto const ended = b.on_fetch_complete(error(errc::connect_failed));
    BOOST_TEST(ended.done.empty());
    BOOST_TEST(b.got() == "a");
    auto const status = b.tested.status(b.now());
    BOOST_TEST((status.failing_since == b.now().wall));
    BOOST_TEST((status.last_error->value() == errc::connect_failed));
    // No second attempt at once, one after the interval.
    BOOST_TEST(!b.get().fetch);
    b.pass(31s);
    BOOST_TEST((b.get().fetch == fetch_reason::refresh));
    (void)b.on_fetch_complete(error(errc::connect_failed));
    b.pass(600s);
    auto const made = b.get();
    BOOST_TEST((made.what == verdict::wait));
    BOOST_TEST((made.fetch == fetch_reason::expired));
}

BOOST_AUTO_TEST_CASE(a_failure_reaches_all_and_backs_off)
{
    bench b;
    (void)b.get();
    (void)b.get();
    auto const ended = b.on_fetch_complete(error(errc::connect_failed), 0.5);
    BOOST_TEST(ended.done.size() == 2U);
    BOOST_TEST((ended.outcome.error() == errc::connect_failed));
    BOOST_TEST((ended.outcome.error().retry_at() == b.now().wall + 500ms));
    BOOST_TEST((b.is() == state::back_off));
    BOOST_TEST(b.got() == "connect_failed");
    b.pass(499ms);
    BOOST_TEST(b.got() == "connect_failed");
    b.pass(1ms);
    BOOST_TEST(b.got() == "wait");
}

BOOST_AUTO_TEST_CASE(back_off_grows_to_its_cap)
{
    using coauth::policy::back_off;
    coauth::token_source_options const options;
    error const lost(errc::connect_failed);
    BOOST_TEST((back_off(lost, 1, options, 1) == 1s));
    BOOST_TEST((back_off(lost, 2, options, 1) == 1600ms));
    BOOST_TEST((back_off(lost, 3, options, 0.5) == 1280ms));
    BOOST_TEST((back_off(lost, 100, options, 1) == 120s));
    BOOST_TEST((back_off(lost, 4'000'000'000, options, 1) == 120s));
    BOOST_TEST((back_off(lost, 1, options, 0) == 100ms));
    for (auto const code : {errc::invalid_client, errc::invalid_scope, errc::invalid_configuration})
    {
        BOOST_TEST((back_off(error(code), 1, options, 0) == 60s));
        BOOST_TEST((back_off(error(code), 1, options, 1) == 120s));
    }
}

BOOST_AUTO_TEST_CASE(the_time_that_the_server_names)
{
    bench b;
    (void)b.get();
    coauth::error_info info;
    info.retry_at = b.now().wall + 600s;
    (void)b.on_fetch_complete(error(errc::rate_limited, info));
    b.pass(599s);
    BOOST_TEST(b.got() == "rate_limited");
    // Not even by force, and whatever the wall clock does.
    BOOST_TEST((b.refresh().what == verdict::refuse));
    b.wall += 7200s;
    BOOST_TEST(b.got() == "rate_limited");
    b.pass(1s);
    BOOST_TEST(b.got() == "wait");
}

BOOST_AUTO_TEST_CASE(force)
{
    bench b;
    b.begin_with(b.token("a"));
    auto const made = b.refresh();
    BOOST_TEST((made.what == verdict::wait));
    BOOST_TEST((made.fetch == fetch_reason::forced));
    BOOST_TEST(b.got() == "a");
    BOOST_TEST(!b.refresh().fetch);
    auto ended = b.on_fetch_complete(error(errc::connect_failed));
    BOOST_TEST(ended.done.size() == 2U);
    BOOST_TEST(b.got() == "a");
    // Its own back-off does not hold it back.
    BOOST_TEST((b.refresh().fetch == fetch_reason::forced));
    (void)b.on_fetch_complete(b.token("b"));
    BOOST_TEST(b.got() == "b");
}

BOOST_AUTO_TEST_CASE(invalidate_drops_only_that_token)
{
    bench b;
    auto const first = b.token("a");
    b.begin_with(first);
    BOOST_TEST(!b.tested.invalidate(b.now(), b.token("other")));
    BOOST_TEST(!b.tested.invalidate(b.now(), access_token()));
    BOOST_TEST(b.got() == "a");
    BOOST_TEST(b.tested.invalidate(b.now(), first));
    BOOST_TEST(!b.tested.invalidate(b.now(), first));
    auto const made = b.get();
    BOOST_TEST((made.fetch == fetch_reason::invalidated));
    (void)b.on_fetch_complete(b.token("b"));
    // Those who come late with the old one do no harm.
    BOOST_TEST(!b.tested.invalidate(b.now(), first));
    BOOST_TEST(b.got() == "b");
}

BOOST_AUTO_TEST_CASE(a_server_that_insists_on_a_refused_token)
{
    bench b;
    auto const same = b.token("a");
    b.begin_with(same);
    int fetches = 0;
    // A caller each 10 ms who finds it refused, for ten minutes.
    for (int i = 0; i < 60'000; ++i)
    {
        b.pass(10ms);
        if (b.tested.invalidate(b.now(), same))
        {
            BOOST_TEST_REQUIRE((b.get().what == verdict::wait));
            ++fetches;
            (void)b.on_fetch_complete(b.token("a"), 0.9);
        }
        BOOST_TEST_REQUIRE(b.got() == "a");
    }
    BOOST_TEST(fetches > 5);
    BOOST_TEST(fetches < 20);
}

BOOST_AUTO_TEST_CASE(an_api_that_accepts_no_token)
{
    bench b;
    b.begin_with(b.token("t"));
    int fetches = 0;
    // A caller each 10 ms whose token is refused, for ten minutes.
    for (int i = 0; i < 60'000; ++i)
    {
        b.pass(10ms);
        auto const* const present = b.tested.usable(b.now());
        BOOST_TEST_REQUIRE(present != nullptr);
        auto const refused = *present;
        if (b.tested.invalidate(b.now(), refused))
        {
            BOOST_TEST_REQUIRE((b.get().what == verdict::wait));
            (void)b.on_fetch_complete(b.token("t" + std::to_string(++fetches)), 0.9);
        }
    }
    BOOST_TEST(fetches > 5);
    BOOST_TEST(fetches < 150);
}

BOOST_AUTO_TEST_CASE(a_server_that_gives_the_same_token_until_it_dies)
{
    bench b;
    auto const first = b.token("a");
    b.begin_with(first);
    int fetches = 0;
    for (b.pass(1s); b.tested.usable(b.now()) != nullptr; b.pass(1s))
        if (b.get().fetch)
        {
            ++fetches;
            (void)b.on_fetch_complete(b.token("a"));
        }
    // Its first end stands.
    BOOST_TEST((b.steady == 3570s));
    BOOST_TEST(fetches > 1);
    BOOST_TEST(fetches < 8);
}

BOOST_AUTO_TEST_CASE(used_once)
{
    bench b;
    (void)b.get();
    auto const ended = b.on_fetch_complete(b.token("a", 0s));
    BOOST_TEST(ended.done.size() == 1U);
    BOOST_TEST(ended.outcome->value() == "a");
    BOOST_TEST(b.got() == "wait");
}

// The server hands out what may be used once alone, and whoever tends the source does all it says.
BOOST_AUTO_TEST_CASE(used_once_is_not_fetched_for_nobody)
{
    coauth::token_source_options options;
    options.refresh_when_idle = true;
    bench b(options);
    BOOST_TEST((b.tested.next_action(b.now(), true) == fetch_reason::empty));
    int fetches = 0;
    for (int i = 0; i < 6'000; ++i)
    {
        if (b.tested.fetching())
        {
            ++fetches;
            (void)b.on_fetch_complete(b.token("a", 0s));
        }
        auto const next = b.tested.next_renewal(b.now());
        BOOST_TEST_REQUIRE(next.has_value());
        BOOST_TEST_REQUIRE((*next > b.now().steady));
        b.pass(100ms);
        (void)b.tested.next_action(b.now(), true);
    }
    // Ten minutes, and one each two.
    BOOST_TEST(fetches == 5);
    // Whoever asks gets one.
    BOOST_TEST((b.tested.fetching() || b.got() == "wait"));
    (void)b.on_fetch_complete(b.token("b"));
    BOOST_TEST(b.got() == "b");
    BOOST_TEST((*b.tested.next_renewal(b.now()) == b.now().steady + 2700s));
}

BOOST_AUTO_TEST_CASE(used_once_beside_a_token_that_is_due)
{
    bench b;
    b.begin_with(b.token("a"));
    b.pass(3000s);
    BOOST_TEST(b.get().fetch.has_value());
    (void)b.on_fetch_complete(b.token("once", 0s));
    b.pass(60s);
    BOOST_TEST(!b.get().fetch);
    b.pass(60s);
    BOOST_TEST(b.get().fetch.has_value());
}

BOOST_AUTO_TEST_CASE(dead_on_arrival)
{
    bench b;
    (void)b.get();
    auto const late = b.token("a", 5s);
    b.pass(5s);
    auto const ended = b.on_fetch_complete(late);
    BOOST_TEST(outcome(ended.outcome) == "timeout");
    BOOST_TEST(b.got() == "timeout");
}

BOOST_AUTO_TEST_CASE(unknown)
{
    bench b;
    b.begin_with(b.token("a", std::nullopt));
    b.pass(std::chrono::hours(24 * 3650));
    auto const made = b.get();
    BOOST_TEST(made.token.value() == "a");
    BOOST_TEST(!made.fetch);

    coauth::token_source_options aged;
    aged.max_age = 600s;
    bench limited(aged);
    limited.begin_with(limited.token("a", std::nullopt));
    limited.pass(500s);
    BOOST_TEST((limited.get().fetch == fetch_reason::refresh));
    (void)limited.on_fetch_complete(error(errc::connect_failed));
    limited.pass(70s);
    BOOST_TEST(limited.got() == "wait");
}

BOOST_AUTO_TEST_CASE(spans_without_end)
{
    coauth::token_source_options longest;
    longest.max_age = std::chrono::seconds::max();
    longest.expiry_margin = 24h * 365;
    longest.min_refresh_interval = 24h * 365;
    for (auto const life :
         {std::optional(3600s), std::optional(std::chrono::seconds::max()),
          std::optional<std::chrono::seconds>()})
    {
        bench b(longest);
        b.begin_with(b.token("a", life));
        b.pass(3000s);
        auto const made = b.get();
        BOOST_TEST(made.token.value() == "a");
        BOOST_TEST(made.fetch.has_value() == (life == 3600s));
    }
}

BOOST_AUTO_TEST_CASE(who_leaves_and_who_stays)
{
    coauth::token_source_options ends;
    ends.cancel_when_unwaited = true;
    for (bool const cancel : {false, true})
    {
        bench b(cancel ? ends : coauth::token_source_options());
        (void)b.get();
        (void)b.get();
        BOOST_TEST(b.tested.leave(b.callers[0]));
        BOOST_TEST(!b.tested.leave(b.callers[0]));
        BOOST_TEST(!b.tested.should_cancel_fetch());
        BOOST_TEST(b.tested.leave(b.callers[1]));
        BOOST_TEST(b.tested.should_cancel_fetch() == cancel);
        BOOST_TEST(!b.tested.should_cancel_fetch());
        // Somebody comes before the fetch has ended: he gets one of his own.
        BOOST_TEST(b.got() == "wait");
        auto const ended = b.on_fetch_complete(error(errc::cancelled));
        BOOST_TEST(ended.abandoned == cancel);
        BOOST_TEST(ended.fetch.has_value() == cancel);
        BOOST_TEST(ended.done.size() == (cancel ? 0U : 1U));
    }
}

BOOST_AUTO_TEST_CASE(a_renewal_is_not_abandoned)
{
    coauth::token_source_options ends;
    ends.cancel_when_unwaited = true;
    bench b(ends);
    b.begin_with(b.token("a"));
    b.pass(3000s);
    BOOST_TEST(b.get().fetch.has_value());
    BOOST_TEST(!b.tested.should_cancel_fetch());
}

// The next one would begin at once.
BOOST_AUTO_TEST_CASE(what_is_wanted_anyway_is_not_abandoned)
{
    coauth::token_source_options both;
    both.cancel_when_unwaited = true;
    both.refresh_when_idle = true;
    bench b(both);
    (void)b.get();
    BOOST_TEST(b.tested.leave(b.callers[0]));
    BOOST_TEST(!b.tested.should_cancel_fetch());
}

BOOST_AUTO_TEST_CASE(time_limits_in_their_order)
{
    bench b;
    std::deque<caller> callers(200);
    std::multiset<caller::time_point> expected;
    for (std::size_t i = 0; i < callers.size(); ++i)
    {
        callers[i].limit = b.now().steady + std::chrono::milliseconds((i * 7919) % 1000);
        expected.insert(callers[i].limit);
        (void)b.tested.get(b.now(), callers[i]);
    }
    for (std::size_t i = 0; i < callers.size(); i += 3)
    {
        expected.erase(expected.find(callers[i].limit));
        BOOST_TEST_REQUIRE(b.tested.leave(callers[i]));
    }
    for (auto const limit : expected)
    {
        BOOST_TEST_REQUIRE((b.tested.next_limit() == limit));
        BOOST_TEST_REQUIRE((b.tested.pop_expired(limit - 1ns) == nullptr));
        auto const* const gone = b.tested.pop_expired(limit);
        BOOST_TEST_REQUIRE(gone != nullptr);
        BOOST_TEST_REQUIRE((gone->limit == limit));
    }
    BOOST_TEST(b.tested.waiting() == 0U);
    BOOST_TEST(!b.tested.next_limit());
}

BOOST_AUTO_TEST_CASE(other_credentials_end_the_wait)
{
    bench b;
    (void)b.get();
    (void)b.on_fetch_complete(error(errc::invalid_client));
    BOOST_TEST(b.tested.wants_other_credentials());
    BOOST_TEST(b.got() == "invalid_client");
    auto const first = b.now().wall;
    b.pass(10s);
    b.tested.credentials_changed(b.now());
    BOOST_TEST(b.got() == "wait");
    (void)b.on_fetch_complete(error(errc::connect_failed));
    // Since the last success, of which there was none.
    BOOST_TEST((b.tested.status(b.now()).failing_since == first));
    BOOST_TEST(!b.tested.wants_other_credentials());
    b.tested.credentials_changed(b.now());
    BOOST_TEST(b.got() == "connect_failed");
}

// Assertions are new each time; and what is wrong with a scope no credentials mend.
BOOST_AUTO_TEST_CASE(other_credentials_end_one_wait)
{
    bench b;
    (void)b.get();
    (void)b.on_fetch_complete(error(errc::invalid_client));
    b.tested.credentials_changed(b.now());
    BOOST_TEST(b.got() == "wait");
    (void)b.on_fetch_complete(error(errc::invalid_client));
    for (int i = 0; i < 50; ++i)
    {
        b.pass(1s);
        b.tested.credentials_changed(b.now());
        BOOST_TEST_REQUIRE(b.got() == "invalid_client");
    }
    b.pass(80s);
    BOOST_TEST(b.got() == "wait");
    (void)b.on_fetch_complete(error(errc::invalid_client));
    b.tested.credentials_changed(b.now());
    BOOST_TEST(b.got() == "wait");
    (void)b.on_fetch_complete(b.token("a"));
    (void)b.tested.invalidate(b.now(), b.token("a"));
    (void)b.get();
    coauth::error_info responded;
    responded.http_status = 400;
    (void)b.on_fetch_complete(error(errc::invalid_scope, responded));
    BOOST_TEST(!b.tested.wants_other_credentials());
    b.tested.credentials_changed(b.now());
    BOOST_TEST(b.got() == "invalid_scope");
}

BOOST_AUTO_TEST_CASE(tended_without_callers)
{
    bench b;
    BOOST_TEST(!b.tested.next_action(b.now(), false));
    BOOST_TEST((b.tested.next_action(b.now(), true) == fetch_reason::empty));
    BOOST_TEST(!b.tested.next_renewal(b.now()));
    (void)b.on_fetch_complete(b.token("a"));
    auto const next = b.tested.next_renewal(b.now());
    BOOST_TEST_REQUIRE(next.has_value());
    BOOST_TEST((*next == b.now().steady + 2700s));
    b.pass(2700s);
    BOOST_TEST((b.tested.next_action(b.now(), false) == fetch_reason::refresh));
}

BOOST_AUTO_TEST_CASE(closed)
{
    bench b;
    (void)b.get();
    b.tested.close(error(errc::cancelled));
    BOOST_TEST((b.is() == state::closed));
    BOOST_TEST(b.got() == "cancelled");
    BOOST_TEST((b.refresh().what == verdict::refuse));
    auto const ended = b.on_fetch_complete(b.token("a"));
    BOOST_TEST(ended.abandoned);
    BOOST_TEST(ended.done.size() == 1U);
    BOOST_TEST(outcome(ended.outcome) == "cancelled");
    BOOST_TEST((b.tested.usable(b.now()) == nullptr));
}

BOOST_AUTO_TEST_CASE(options_out_of_range)
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
    check_contains(refused([](auto& o) { o.back_off_factor = 0.5; }), "back_off_factor");
    check_contains(refused([=](auto& o) { o.back_off_factor = nan; }), "back_off_factor");
}

BOOST_AUTO_TEST_SUITE_END()
