#include "token_source/token_snapshot.hpp"

#include "memory_watch.hpp"
#include "support.hpp"

#include <atomic>
#include <deque>
#include <latch>
#include <thread>

using namespace test;

BOOST_AUTO_TEST_SUITE(token_snapshot)

using coauth::access_token;
using snapshot = coauth::detail::token_snapshot;

namespace
{

access_token make(std::string value)
{
    coauth::access_token_info info;
    info.value = coauth::secret(std::move(value));
    return access_token(std::move(info));
}

coauth::detail::token_times in(std::chrono::milliseconds refresh, std::chrono::milliseconds end)
{
    auto const wall = std::chrono::system_clock::now();
    auto const steady = std::chrono::steady_clock::now();
    return {{wall + refresh, steady + refresh}, {wall + end, steady + end}};
}

access_token load(snapshot& tested, bool& due)
{
    auto token = tested.load();
    return token ? token : tested.load_slow(due);
}

std::string loaded(snapshot& tested)
{
    bool due = false;
    return std::string(load(tested, due).value());
}

} // namespace

BOOST_AUTO_TEST_CASE(a_snapshot_returns_the_last_token)
{
    snapshot tested;
    BOOST_TEST(loaded(tested) == "");
    tested.replace(make("a"), in(1h, 2h));
    BOOST_TEST(loaded(tested) == "a");
    BOOST_TEST(loaded(tested) == "a");
    tested.replace(make("b"), in(1h, 2h));
    BOOST_TEST(loaded(tested) == "b");
    tested.clear();
    BOOST_TEST(loaded(tested) == "");
    BOOST_TEST(tested.hit_count() == 3U);
}

BOOST_AUTO_TEST_CASE(a_token_is_not_returned_beyond_its_end_on_either_clock)
{
    auto const good = in(1h, 2h);
    for (bool const wall : {true, false})
    {
        snapshot tested;
        auto times = good;
        if (wall)
            times.end.wall = std::chrono::system_clock::now() + 1s;
        else
            times.end.steady = std::chrono::steady_clock::now() + 1s;
        tested.replace(make("a"), times);
        BOOST_TEST(loaded(tested) == "a");
        std::this_thread::sleep_for(1010ms);
        BOOST_TEST(loaded(tested) == "");
    }
}

BOOST_AUTO_TEST_CASE(a_load_reports_when_a_refresh_is_due)
{
    snapshot tested;
    tested.replace(make("a"), in(1s, 1h));
    bool due = false;
    (void)load(tested, due);
    BOOST_TEST(!due);
    std::this_thread::sleep_for(1020ms);
    (void)load(tested, due);
    BOOST_TEST(due);
}

// The clocks are read rarely at first, but neither the refresh nor the end is missed.
BOOST_AUTO_TEST_CASE(frequent_loads_miss_neither_refresh_nor_end)
{
    using clock = std::chrono::steady_clock;
    snapshot tested;
    auto const times = in(2500ms, 3s);
    tested.replace(make("a"), times);
    bool ended = false;
    bool refreshed = false;
    for (auto now = clock::now(); !ended; now = clock::now())
    {
        bool due = false;
        ended = !load(tested, due);
        BOOST_REQUIRE(!due || clock::now() >= times.refresh.steady - 20ms);
        refreshed = refreshed || due;
        BOOST_REQUIRE(refreshed || now < times.refresh.steady + 20ms);
        BOOST_REQUIRE(ended || now < times.end.steady);
        std::this_thread::sleep_for(1ms);
    }
    BOOST_TEST(refreshed);
}

BOOST_AUTO_TEST_CASE(frequent_loads_do_not_miss_the_end_on_one_clock)
{
    for (bool const wall : {true, false})
    {
        snapshot tested;
        auto times = in(1h, 2h);
        auto const end = std::chrono::steady_clock::now() + 2500ms;
        if (wall)
            times.end.wall = std::chrono::system_clock::now() + 2500ms;
        else
            times.end.steady = end;
        tested.replace(make("a"), times);
        // Fails if the end is noticed a second late.
        bool ended = false;
        for (auto now = end - 1s; !ended; now = std::chrono::steady_clock::now())
        {
            BOOST_REQUIRE(now < end + 20ms);
            ended = loaded(tested).empty();
            std::this_thread::sleep_for(1ms);
        }
    }
}

BOOST_AUTO_TEST_CASE(one_thread_may_load_many_snapshots)
{
    std::deque<snapshot> tested(1000);
    for (int round = 0; round < 50; ++round)
        for (std::size_t i = 0; i < tested.size(); ++i)
        {
            if (round == 0)
                tested[i].replace(make(std::to_string(i)), in(1h, 2h));
            BOOST_REQUIRE_EQUAL(loaded(tested[i]), std::to_string(i));
        }
    for (auto const& one : tested)
        BOOST_REQUIRE_EQUAL(one.hit_count(), 50U);
}

// A thread that loaded the token and is idle keeps no copy of it.
BOOST_AUTO_TEST_CASE(idle_threads_keep_no_copy)
{
    constexpr char const* value = "idle-threads-keep-nothing-of-this-token";
    memory_watch const watch(value);
    std::atomic<int> step{0};
    snapshot tested;
    tested.replace(make(value), in(1h, 2h));
    std::thread idle(
        [&]
        {
            bool due = false;
            for (int i = 0; i < 10; ++i)
                (void)load(tested, due);
            step = 1;
            step.notify_all();
            step.wait(1);
        });
    step.wait(0);
    auto const before = watch.released();
    tested.clear();
    BOOST_TEST(watch.released() > before);
    step = 2;
    step.notify_all();
    idle.join();
    BOOST_TEST(watch.found() == 0U);
}

BOOST_AUTO_TEST_CASE(copies_of_a_token_outlive_source_and_thread)
{
    access_token kept;
    std::thread(
        [&]
        {
            snapshot tested;
            tested.replace(make("a"), in(1h, 2h));
            bool due = false;
            kept = load(tested, due);
        })
        .join();
    auto const copy = kept;
    kept = access_token();
    BOOST_TEST(copy.value() == "a");
}

// Several threads load the token while it changes all the time: they get whole tokens, never older
// than those before, and each load is counted exactly once.
BOOST_AUTO_TEST_CASE(threads_load_whole_tokens_while_they_change)
{
    snapshot tested;
    std::atomic<bool> ended{false};
    std::atomic<bool> wrong{false};
    std::atomic<std::uint64_t> loads{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i)
        threads.emplace_back(
            [&]
            {
                unsigned long last = 0;
                std::uint64_t count = 0;
                std::vector<access_token> held(16);
                for (std::size_t n = 0; !ended; ++n)
                {
                    bool due = false;
                    auto token = load(tested, due);
                    if (!token)
                        continue;
                    auto const number = std::stoul(std::string(token.value()));
                    wrong = wrong || number < last;
                    last = number;
                    held[n % held.size()] = std::move(token);
                    ++count;
                }
                loads += count;
            });
    std::uint64_t counted = 0;
    bool lost = false;
    for (int i = 1; i <= 3000; ++i)
    {
        tested.replace(make(std::to_string(i)), in(1h, 2h));
        auto const now_counted = tested.hit_count();
        lost = lost || now_counted < counted;
        counted = now_counted;
        if (i % 10 == 0)
            tested.clear();
        if (i % 100 == 0)
            std::this_thread::sleep_for(1ms);
    }
    ended = true;
    for (auto& one : threads)
        one.join();
    BOOST_TEST(!wrong);
    BOOST_TEST(!lost);
    BOOST_TEST(tested.hit_count() == loads);
}

BOOST_AUTO_TEST_CASE(a_snapshot_works_in_destructors_of_thread_local_objects)
{
    snapshot tested;
    tested.replace(make("a"), in(1h, 2h));
    std::string late;
    struct loads_late
    {
        ~loads_late() { *values += loaded(*source) + loaded(*source); }
        snapshot* source = nullptr;
        std::string* values = nullptr;
    };
    std::thread(
        [&]
        {
            thread_local loads_late object;
            object.source = &tested;
            object.values = &late;
            BOOST_TEST(loaded(tested) == "a");
        })
        .join();
    BOOST_TEST(late == "aa");
    BOOST_TEST(tested.hit_count() == 3U);
}

// Threads that contend move to stripes of their own: each of them is emptied, and counted.
BOOST_AUTO_TEST_CASE(no_stripe_keeps_a_copy_of_a_replaced_token)
{
    constexpr char const* value = "no-stripe-keeps-a-copy-of-this-token";
    memory_watch const watch(value);
    snapshot tested;
    tested.replace(make(value), in(1h, 2h));
    constexpr unsigned thread_count = 8;
    constexpr unsigned loads = 200'000;
    std::latch start(thread_count);
    std::latch stop(thread_count + 1);
    std::atomic<unsigned> done{0};
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < thread_count; ++i)
        threads.emplace_back(
            [&]
            {
                start.arrive_and_wait();
                bool due = false;
                for (unsigned n = 0; n < loads; ++n)
                    (void)load(tested, due);
                ++done;
                done.notify_all();
                stop.arrive_and_wait();
            });
    for (unsigned n = 0; (n = done) != thread_count;)
        done.wait(n);
    BOOST_TEST(tested.hit_count() == thread_count * loads);
    auto const before = watch.released();
    tested.clear();
    BOOST_TEST(watch.released() > before);
    BOOST_TEST(tested.hit_count() == thread_count * loads);
    BOOST_TEST(loaded(tested) == "");
    stop.arrive_and_wait();
    for (auto& thread : threads)
        thread.join();
    BOOST_TEST(watch.found() == 0U);
}

BOOST_AUTO_TEST_SUITE_END()
