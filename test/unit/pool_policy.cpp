#include "policy/pool_policy.hpp"

#include "support.hpp"

#include <deque>
#include <map>
#include <random>

using namespace test;

BOOST_AUTO_TEST_SUITE(pool_policy)

using policy_pool = coauth::policy::pool_policy;
using decision_kind = policy_pool::decision_kind;

namespace
{

constexpr policy_pool::time_point zero{};

policy_pool make(std::size_t connections, std::size_t waiting = 10)
{
    return policy_pool({connections, waiting, 10s});
}

} // namespace

BOOST_AUTO_TEST_CASE(the_most_recently_used_idle_connection_is_reused_first)
{
    auto tested = make(3);
    auto const a = tested.acquire(1, zero).connection;
    auto const b = tested.acquire(2, zero).connection;
    BOOST_TEST(a != b);
    BOOST_TEST(!tested.release(a, zero + 1s));
    BOOST_TEST(!tested.release(b, zero + 2s));
    auto const again = tested.acquire(3, zero + 3s);
    BOOST_TEST((again.kind == decision_kind::reuse));
    BOOST_TEST(again.connection == b);
    BOOST_TEST(tested.acquire(4, zero + 3s).connection == a);
    BOOST_TEST((tested.acquire(5, zero + 3s).kind == decision_kind::open));
    BOOST_TEST(tested.open() == 3U);
}

BOOST_AUTO_TEST_CASE(connections_that_were_idle_before_a_time_are_evicted)
{
    auto tested = make(3);
    auto const a = tested.acquire(1, zero).connection;
    auto const b = tested.acquire(2, zero).connection;
    (void)tested.release(a, zero + 1s);
    (void)tested.release(b, zero + 2s);
    BOOST_TEST(!tested.evict_idle_since_before(zero + 1s));
    BOOST_TEST((tested.evict_idle_since_before(zero + 2s) == a));
    BOOST_TEST(!tested.evict_idle_since_before(zero + 2s));
    BOOST_TEST(tested.open() == 1U);
    BOOST_TEST(tested.acquire(3, zero + 3s).connection == b);
}

BOOST_AUTO_TEST_CASE(a_pool_is_shared_while_several_operations_use_or_want_a_connection)
{
    auto tested = make(1);
    BOOST_TEST(!tested.is_shared());
    auto const only = tested.acquire(1, zero).connection;
    BOOST_TEST(!tested.is_shared());
    (void)tested.acquire(2, zero);
    BOOST_TEST(tested.is_shared());
    BOOST_TEST(tested.release(only, zero).has_value());
    BOOST_TEST(!tested.is_shared());

    auto wide = make(2);
    auto const a = wide.acquire(1, zero).connection;
    (void)wide.acquire(2, zero);
    BOOST_TEST(wide.is_shared());
    (void)wide.release(a, zero);
    BOOST_TEST(!wide.is_shared());
}

BOOST_AUTO_TEST_CASE(idle_connections_expire)
{
    auto tested = make(2);
    auto const a = tested.acquire(1, zero).connection;
    auto const b = tested.acquire(2, zero).connection;
    (void)tested.release(a, zero);
    (void)tested.release(b, zero + 5s);
    BOOST_TEST(!tested.expire(zero + 10s - 1ns));
    BOOST_TEST((tested.expire(zero + 10s) == a));
    BOOST_TEST(!tested.expire(zero + 10s));
    BOOST_TEST(tested.open() == 1U);
    // Too old to be reused, and not removed yet: it makes room.
    auto const later = tested.acquire(3, zero + 20s);
    BOOST_TEST((later.kind == decision_kind::open));
    (void)tested.acquire(4, zero + 20s);
    BOOST_TEST(tested.open() == 2U);
}

BOOST_AUTO_TEST_CASE(connections_without_an_idle_limit_never_expire)
{
    policy_pool tested({2, 10, std::chrono::milliseconds::max()});
    auto const a = tested.acquire(1, zero).connection;
    (void)tested.release(a, zero + 1s);
    BOOST_TEST(!tested.expire(zero + 1s));
    BOOST_TEST(!tested.expire(zero + std::chrono::hours(24 * 365 * 100)));
    auto const again = tested.acquire(2, zero + std::chrono::hours(24 * 365 * 100));
    BOOST_TEST((again.kind == decision_kind::reuse));
    BOOST_TEST(again.connection == a);
}

BOOST_AUTO_TEST_CASE(operations_beyond_the_limit_are_queued_in_order)
{
    auto tested = make(1, 2);
    auto const a = tested.acquire(1, zero).connection;
    BOOST_TEST((tested.acquire(2, zero).kind == decision_kind::wait));
    BOOST_TEST((tested.acquire(3, zero).kind == decision_kind::wait));
    BOOST_TEST((tested.acquire(4, zero).kind == decision_kind::refuse));
    auto const second = tested.release(a, zero);
    BOOST_TEST_REQUIRE(second.has_value());
    BOOST_TEST(second->operation == 2U);
    BOOST_TEST((second->decision.kind == decision_kind::reuse));
    BOOST_TEST(second->decision.connection == a);
    // A closed connection makes room for another.
    auto const third = tested.remove(a);
    BOOST_TEST_REQUIRE(third.has_value());
    BOOST_TEST(third->operation == 3U);
    BOOST_TEST((third->decision.kind == decision_kind::open));
    BOOST_TEST(!tested.remove(third->decision.connection));
    BOOST_TEST(tested.open() == 0U);
}

BOOST_AUTO_TEST_CASE(a_cancelled_operation_leaves_the_queue)
{
    auto tested = make(1);
    auto const a = tested.acquire(1, zero).connection;
    (void)tested.acquire(2, zero);
    (void)tested.acquire(3, zero);
    BOOST_TEST(tested.cancel(2));
    BOOST_TEST(!tested.cancel(2));
    BOOST_TEST(!tested.cancel(1));
    BOOST_TEST(tested.release(a, zero)->operation == 3U);
    BOOST_TEST(tested.waiting() == 0U);
}

// Random operations; after each, the invariants hold.
BOOST_AUTO_TEST_CASE(random_operations_keep_the_invariants_of_the_pool)
{
    std::mt19937 random(1);
    constexpr std::size_t most = 5;
    constexpr std::size_t most_waiting = 7;
    auto tested = make(most, most_waiting);
    std::map<policy_pool::id, policy_pool::id> held; // by connection
    std::deque<policy_pool::id> queue;
    policy_pool::id last = 0;
    auto now = zero;
    auto const take = [&](policy_pool::id connection, policy_pool::id operation)
    { BOOST_TEST_REQUIRE(held.emplace(connection, operation).second); };
    auto const grant = [&](std::optional<policy_pool::grant> const& granted)
    {
        BOOST_TEST_REQUIRE(granted.has_value() == !queue.empty());
        if (!granted)
            return;
        BOOST_TEST_REQUIRE(granted->operation == queue.front());
        queue.pop_front();
        take(granted->decision.connection, granted->operation);
    };
    for (int i = 0; i < 200'000; ++i)
    {
        now += std::chrono::milliseconds(random() % 3000);
        auto const dice = random() % 10;
        if (dice < 5)
        {
            auto const got = tested.acquire(++last, now);
            if (got.kind == decision_kind::wait)
                queue.push_back(last);
            else if (got.kind == decision_kind::refuse)
                BOOST_TEST_REQUIRE(queue.size() == most_waiting);
            else
                take(got.connection, last);
        }
        else if (dice < 9 && !held.empty())
        {
            auto const one = std::next(held.begin(), static_cast<long>(random() % held.size()));
            auto const connection = one->first;
            held.erase(one);
            grant(random() % 3 == 0 ? tested.remove(connection) : tested.release(connection, now));
        }
        else if (!queue.empty())
        {
            BOOST_TEST_REQUIRE(tested.cancel(queue.back()));
            queue.pop_back();
        }
        else
            while (tested.expire(now))
            {
            }
        BOOST_TEST_REQUIRE(tested.open() <= most);
        BOOST_TEST_REQUIRE(tested.open() == held.size() + tested.idle());
        BOOST_TEST_REQUIRE(tested.waiting() == queue.size());
        // No operation waits while a connection is idle.
        BOOST_TEST_REQUIRE((queue.empty() || tested.idle() == 0));
    }
}

BOOST_AUTO_TEST_SUITE_END()
