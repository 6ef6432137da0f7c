#include "token_source/token_snapshot.hpp"

#include "memory_watch.hpp"
#include "support.hpp"

#include <atomic>
#include <deque>
#include <thread>

using namespace test;
using coauth::access_token;
using publication = coauth::detail::token_snapshot;

namespace
{

access_token make(std::string value)
{
    coauth::access_token_info info;
    info.value = coauth::secret(std::move(value));
    return access_token(std::move(info));
}

publication::life in(std::chrono::milliseconds renew, std::chrono::milliseconds end)
{
    auto const wall = std::chrono::system_clock::now();
    auto const steady = std::chrono::steady_clock::now();
    return {wall + renew, wall + end, steady + renew, steady + end};
}

access_token take(publication& from, bool& due)
{
    auto token = from.take();
    return token ? token : from.load_slow(due);
}

std::string taken(publication& from)
{
    bool due = false;
    return std::string(take(from, due).value());
}

} // namespace

BOOST_AUTO_TEST_SUITE(token_snapshot)

BOOST_AUTO_TEST_CASE(what_was_published_last)
{
    publication tested;
    BOOST_TEST(taken(tested) == "");
    tested.publish(make("a"), in(1h, 2h));
    BOOST_TEST(taken(tested) == "a");
    BOOST_TEST(taken(tested) == "a");
    tested.publish(make("b"), in(1h, 2h));
    BOOST_TEST(taken(tested) == "b");
    tested.clear();
    BOOST_TEST(taken(tested) == "");
    BOOST_TEST(tested.taken() == 3U);
}

BOOST_AUTO_TEST_CASE(not_beyond_its_end_on_either_clock)
{
    auto const good = in(1h, 2h);
    for (bool const wall : {true, false})
    {
        publication tested;
        auto until = good;
        if (wall)
            until.end_wall = std::chrono::system_clock::now() + 1s;
        else
            until.end_steady = std::chrono::steady_clock::now() + 1s;
        tested.publish(make("a"), until);
        BOOST_TEST(taken(tested) == "a");
        std::this_thread::sleep_for(1010ms);
        BOOST_TEST(taken(tested) == "");
    }
}

BOOST_AUTO_TEST_CASE(says_when_it_is_due)
{
    publication tested;
    tested.publish(make("a"), in(1s, 1h));
    bool due = false;
    (void)take(tested, due);
    BOOST_TEST(!due);
    std::this_thread::sleep_for(1020ms);
    (void)take(tested, due);
    BOOST_TEST(due);
}

// However rarely the clocks are looked at before, neither the renewal nor the end is missed.
BOOST_AUTO_TEST_CASE(taken_all_the_time_until_its_end)
{
    using clock = std::chrono::steady_clock;
    publication tested;
    auto const life = in(2500ms, 3s);
    tested.publish(make("a"), life);
    bool ended = false;
    bool renewed = false;
    for (auto now = clock::now(); !ended; now = clock::now())
    {
        bool due = false;
        ended = !take(tested, due);
        BOOST_REQUIRE(!due || clock::now() >= life.renew_steady - 20ms);
        renewed = renewed || due;
        BOOST_REQUIRE(renewed || now < life.renew_steady + 20ms);
        BOOST_REQUIRE(ended || now < life.end_steady);
        std::this_thread::sleep_for(1ms);
    }
    BOOST_TEST(renewed);
}

BOOST_AUTO_TEST_CASE(taken_all_the_time_until_its_end_on_one_clock)
{
    for (bool const wall : {true, false})
    {
        publication tested;
        auto until = in(1h, 2h);
        auto const end = std::chrono::steady_clock::now() + 2500ms;
        if (wall)
            until.end_wall = std::chrono::system_clock::now() + 2500ms;
        else
            until.end_steady = end;
        tested.publish(make("a"), until);
        // What is missed for the rest of a second would be seen.
        bool ended = false;
        for (auto now = end - 1s; !ended; now = std::chrono::steady_clock::now())
        {
            BOOST_REQUIRE(now < end + 20ms);
            ended = taken(tested).empty();
            std::this_thread::sleep_for(1ms);
        }
    }
}

BOOST_AUTO_TEST_CASE(many_sources_share_the_slots_of_a_thread)
{
    std::deque<publication> tested(1000);
    for (int round = 0; round < 50; ++round)
        for (std::size_t i = 0; i < tested.size(); ++i)
        {
            if (round == 0)
                tested[i].publish(make(std::to_string(i)), in(1h, 2h));
            BOOST_REQUIRE_EQUAL(taken(tested[i]), std::to_string(i));
        }
    for (auto const& one : tested)
        BOOST_REQUIRE_EQUAL(one.taken(), 50U);
}

// A thread that took it and then does nothing more keeps no secret in memory.
BOOST_AUTO_TEST_CASE(idle_threads_keep_nothing)
{
    constexpr char const* value = "idle-threads-keep-nothing-of-this-token";
    memory_watch const watch(value);
    std::atomic<int> step{0};
    publication tested;
    tested.publish(make(value), in(1h, 2h));
    std::thread idle(
        [&]
        {
            bool due = false;
            for (int i = 0; i < 10; ++i)
                (void)take(tested, due);
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

BOOST_AUTO_TEST_CASE(copies_outlive_source_and_thread)
{
    access_token kept;
    std::thread(
        [&]
        {
            publication tested;
            tested.publish(make("a"), in(1h, 2h));
            bool due = false;
            kept = take(tested, due);
        })
        .join();
    auto const copy = kept;
    kept = access_token();
    BOOST_TEST(copy.value() == "a");
}

// Takers on several threads while it changes all the time: what they get is whole, and never older
// than what they got before; none of them is forgotten, and none counted twice.
BOOST_AUTO_TEST_CASE(taken_while_it_changes)
{
    publication tested;
    std::atomic<bool> ended{false};
    std::atomic<bool> wrong{false};
    std::atomic<std::uint64_t> takes{0};
    std::vector<std::thread> takers;
    for (int i = 0; i < 3; ++i)
        takers.emplace_back(
            [&]
            {
                unsigned long last = 0;
                std::uint64_t mine = 0;
                std::vector<access_token> held(16);
                for (std::size_t n = 0; !ended; ++n)
                {
                    bool due = false;
                    auto token = take(tested, due);
                    if (!token)
                        continue;
                    auto const number = std::stoul(std::string(token.value()));
                    wrong = wrong || number < last;
                    last = number;
                    held[n % held.size()] = std::move(token);
                    ++mine;
                }
                takes += mine;
            });
    std::uint64_t counted = 0;
    bool lost = false;
    for (int i = 1; i <= 3000; ++i)
    {
        tested.publish(make(std::to_string(i)), in(1h, 2h));
        auto const now_counted = tested.taken();
        lost = lost || now_counted < counted;
        counted = now_counted;
        if (i % 10 == 0)
            tested.clear();
        if (i % 100 == 0)
            std::this_thread::sleep_for(1ms);
    }
    ended = true;
    for (auto& one : takers)
        one.join();
    BOOST_TEST(!wrong);
    BOOST_TEST(!lost);
    BOOST_TEST(tested.taken() == takes);
}

// After the thread's cached tokens.
BOOST_AUTO_TEST_CASE(is_taken_by_what_a_thread_destroys_last)
{
    publication tested;
    tested.publish(make("a"), in(1h, 2h));
    std::string late;
    struct last
    {
        ~last() { *got += taken(*from) + taken(*from); }
        publication* from = nullptr;
        std::string* got = nullptr;
    };
    std::thread(
        [&]
        {
            thread_local last one;
            one.from = &tested;
            one.got = &late;
            BOOST_TEST(taken(tested) == "a");
        })
        .join();
    BOOST_TEST(late == "aa");
    BOOST_TEST(tested.taken() == 3U);
}

BOOST_AUTO_TEST_SUITE_END()
