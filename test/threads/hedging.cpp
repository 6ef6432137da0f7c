// Hedged requests: both exchanges of an operation end at about the same time, in different threads,
// while the client is closed.

#include "fixture.hpp"
#include "random_seed.hpp"

#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/test/unit_test.hpp>

#include <future>
#include <random>
#include <thread>
#include <vector>

namespace asio = boost::asio;
using namespace test;

BOOST_AUTO_TEST_CASE(hedged_requests_of_many_threads_complete_once)
{
    constexpr std::size_t operations = 8;
    auto server = start();
    std::mt19937_64 random(choose_seed());
    std::uint64_t hedged = 0;
    for (int round = 0; round < 40; ++round)
    {
        asio::thread_pool pool(4);
        auto config = server.config();
        config.connections.hedging_delay = 10ms;
        config.retry.max_attempts = 1;
        coauth::client client(pool.get_executor(), config);
        bool const closes = round % 4 == 0;
        for (bool const late : {false, true})
        {
            server.clear_responses();
            auto scripted = response::json(200, token_body);
            server.set_response(scripted);
            for (std::size_t i = 0; late && i < operations; ++i)
            {
                scripted.delay = std::chrono::milliseconds(9 + random() % 8);
                server.push_response(scripted);
            }
            std::vector<std::future<token_result>> ends;
            for (std::size_t i = 0; i < operations; ++i)
                ends.push_back(
                    client.async_get_access_token(coauth::token_request(), asio::use_future));
            if (late && closes)
            {
                std::this_thread::sleep_for(std::chrono::microseconds(random() % 20'000));
                client.close();
            }
            for (auto& end : ends)
            {
                auto const got = outcome(end.get());
                BOOST_TEST((got == "success" || (closes && got == "cancelled")), got);
            }
        }
        hedged += client.counters().hedged_requests;
        pool.join();
    }
    BOOST_TEST(hedged > 0U);
}
