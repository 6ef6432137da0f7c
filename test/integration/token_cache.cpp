#include "fixture.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/test/unit_test.hpp>

#include <limits>
#include <thread>

using namespace test;
namespace asio = boost::asio;

BOOST_AUTO_TEST_SUITE(token_cache)

using coauth::token_request;

namespace
{

struct caching
{
    explicit caching(coauth::token_cache_options const& options = {}) : cache(options) {}

    std::shared_ptr<coauth::token_source> at(int number)
    {
        return cache.get(client, token_request().audience(std::to_string(number)));
    }

    authorization_server server = start();
    asio::io_context context;
    coauth::client client{context.get_executor(), with_log_scan(server.config())};
    coauth::token_cache cache;
};

// Three times the capacity: the last sources stay.
void check_bound(std::size_t most)
{
    coauth::token_cache_options options;
    options.max_sources = most;
    caching c(options);
    auto const count = static_cast<int>(most);
    for (int i = 0; i < 3 * count; ++i)
    {
        (void)c.at(i);
        BOOST_REQUIRE_LE(c.cache.counters().size, most);
    }
    auto const filled = c.cache.counters();
    BOOST_TEST(filled.size == most);
    BOOST_TEST(filled.evicted == 2 * most);
    for (int i = 2 * count; i < 3 * count; ++i)
        (void)c.at(i);
    BOOST_TEST(c.cache.counters().hits == most);
}

} // namespace

// Destroyed after the library's thread-local objects.
BOOST_AUTO_TEST_CASE(thread_local_destructors_may_use_a_token_cache)
{
    caching c;
    struct last
    {
        ~last() { *got = of->at(1); }
        caching* of = nullptr;
        std::shared_ptr<coauth::token_source>* got = nullptr;
    };
    std::shared_ptr<coauth::token_source> late;
    std::thread(
        [&]
        {
            thread_local last one;
            one.of = &c;
            one.got = &late;
            (void)c.at(1);
        })
        .join();
    BOOST_TEST(late == c.at(1));
    BOOST_TEST(c.cache.counters().hits == 2U);
}

BOOST_AUTO_TEST_CASE(equal_requests_share_one_source)
{
    caching c;
    auto const first = c.cache.get(c.client, token_request().scope("read write"));
    BOOST_TEST(first == c.cache.get(c.client, token_request().scope("write read")));
    BOOST_TEST(first != c.cache.get(c.client, token_request().scope("read")));
    coauth::client other(c.context.get_executor(), with_log_scan(c.server.config()));
    BOOST_TEST(first != c.cache.get(other, token_request().scope("read write")));
    auto const counters = c.cache.counters();
    BOOST_TEST(counters.hits == 1U);
    BOOST_TEST(counters.misses == 3U);
    BOOST_TEST(counters.size == 3U);

    std::vector<token_result> got;
    first->async_get_access_token([&](token_result r) { got.push_back(std::move(r)); });
    c.context.run();
    BOOST_TEST(require_token(got.at(0)).scope() == "read write");
}

BOOST_AUTO_TEST_CASE(the_least_recently_used_source_is_evicted)
{
    coauth::token_cache_options options;
    options.max_sources = 3;
    caching c(options);
    std::weak_ptr<coauth::token_source> const zero = c.at(0);
    std::weak_ptr<coauth::token_source> const one = c.at(1);
    (void)c.at(2);
    (void)c.at(0);
    (void)c.at(3);
    BOOST_TEST(one.expired());
    BOOST_TEST(!zero.expired());
    BOOST_TEST(c.cache.counters().evicted == 1U);
    BOOST_TEST(c.cache.counters().size == 3U);
}

// For all keys, whatever their hash.
BOOST_AUTO_TEST_CASE(the_capacity_and_the_eviction_order_hold_for_all_keys)
{
    for (std::size_t const most : {1U, 2U, 100U, 1025U, 2000U})
        check_bound(most);
}

BOOST_AUTO_TEST_CASE(an_evicted_source_may_still_be_used)
{
    coauth::token_cache_options options;
    options.max_sources = 1;
    caching c(options);
    auto const held = c.at(0);
    std::vector<token_result> got;
    held->async_get_access_token([&](token_result r) { got.push_back(std::move(r)); });
    (void)c.at(1);
    c.context.run();
    BOOST_TEST(outcome(got.at(0)) == "success");
}

BOOST_AUTO_TEST_CASE(idle_sources_are_removed_on_request)
{
    coauth::token_cache_options options;
    options.max_idle = 1s;
    options.max_sources = 100;
    caching c(options);
    for (int i = 0; i < 10; ++i)
        (void)c.at(i);
    std::this_thread::sleep_for(1100ms);
    (void)c.at(10);
    BOOST_TEST(c.cache.counters().idle_removed == 2U);
    (void)c.at(10);
    c.cache.remove_idle();
    BOOST_TEST(c.cache.counters().idle_removed == 10U);
    BOOST_TEST(c.cache.counters().size == 1U);
}

BOOST_AUTO_TEST_CASE(idle_sources_are_removed_at_lookups)
{
    coauth::token_cache_options options;
    options.max_idle = 1s;
    caching c(options);
    for (int i = 0; i < 1000; ++i)
        (void)c.at(i);
    std::this_thread::sleep_for(1100ms);
    for (int i = 0; i < 3; ++i)
        (void)c.at(0);
    BOOST_TEST(c.cache.counters().idle_removed == 3U);
}

// A source that is used without lookups counts as used: a new one would fetch another token.
BOOST_AUTO_TEST_CASE(idle_sources_that_are_in_use_stay)
{
    coauth::token_cache_options options;
    options.max_idle = 1s;
    caching c(options);
    auto held = c.at(0);
    (void)c.at(1);
    std::this_thread::sleep_for(1100ms);
    c.cache.remove_idle();
    BOOST_TEST(c.cache.counters().idle_removed == 1U);
    BOOST_TEST(c.at(0) == held);
    held.reset();
    std::this_thread::sleep_for(1100ms);
    c.cache.remove_idle();
    BOOST_TEST(c.cache.counters().size == 0U);
}

BOOST_AUTO_TEST_CASE(the_options_of_the_cache_apply_to_every_source)
{
    coauth::token_cache_options options;
    options.source.refresh_at = 2;
    caching c(options);
    std::string end;
    auto const tokens = c.at(0);
    tokens->async_get_access_token([&](token_result const& got) { end = outcome(got); });
    c.context.run();
    BOOST_TEST(end == "invalid_configuration");
}

BOOST_AUTO_TEST_CASE(sources_are_erased_with_their_client)
{
    caching c;
    coauth::client other(c.context.get_executor(), with_log_scan(c.server.config()));
    (void)c.cache.get(other);
    (void)c.at(1);
    c.cache.erase(other);
    BOOST_TEST(c.cache.counters().size == 1U);
}

BOOST_AUTO_TEST_CASE(copies_of_a_fetcher_share_one_source)
{
    caching c;
    auto const fails = [](coauth::token_fetch const&, coauth::token_fetch_handler const& handler)
    { handler(coauth::error(coauth::errc::access_denied)); };
    coauth::token_fetcher const fetcher(c.context, fails);
    auto const first = c.cache.get(fetcher);
    auto const copy = fetcher;
    BOOST_TEST(first == c.cache.get(copy));
    BOOST_TEST(first != c.cache.get(fetcher, token_request().scope("read")));
    BOOST_TEST(first != c.cache.get(coauth::token_fetcher(c.context, fails)));
    BOOST_TEST(c.cache.get(c.client) == c.cache.get(coauth::token_fetcher(c.client)));

    std::string end;
    first->async_get_access_token([&](token_result const& got) { end = outcome(got); });
    c.context.run();
    BOOST_TEST(end == "access_denied");

    c.cache.erase(copy);
    BOOST_TEST(c.cache.counters().size == 2U);
    BOOST_TEST(first != c.cache.get(fetcher));
}

BOOST_AUTO_TEST_CASE(a_hundred_thousand_sources_fit)
{
    caching c;
    constexpr int count = 100'000;
    for (int i = 0; i < count; ++i)
        BOOST_TEST_REQUIRE(c.at(i) != nullptr);
    auto const first = c.cache.counters();
    BOOST_TEST(first.misses == 100'000U);
    BOOST_TEST(first.size == 100'000U);
    // The cache is full.
    for (int i = 0; i < count; ++i)
        (void)c.at(i);
    BOOST_TEST(c.cache.counters().hits == 100'000U);
    BOOST_TEST(c.cache.counters().evicted == 0U);
    (void)c.at(count);
    BOOST_TEST(c.cache.counters().size == 100'000U);
    BOOST_TEST(c.cache.counters().evicted == 1U);
}

BOOST_AUTO_TEST_CASE(equal_grants_share_one_source)
{
    caching c;
    auto const at = [&](token_request const& request) { return c.cache.get(c.client, request); };
    auto const one = at(token_request::jwt_bearer("an assertion"));
    BOOST_TEST(one == at(token_request::jwt_bearer("an assertion")));
    BOOST_TEST(one != at(token_request::jwt_bearer("another")));
    BOOST_TEST(one != at(token_request::token_exchange("an assertion")));
    BOOST_TEST(one != at(token_request()));
    BOOST_TEST(one != at(token_request::jwt_bearer("an assertion").scope("read")));
    // Functions cannot be compared.
    auto const asks = []
    {
        return token_request::jwt_bearer(
            []() -> coauth::result<coauth::secret> { return coauth::secret("an assertion"); });
    };
    auto const asking = asks();
    auto const two = at(asking);
    BOOST_TEST(two == at(token_request(asking)));
    BOOST_TEST(two != at(asks()));
}

BOOST_AUTO_TEST_CASE(unlimited_durations_are_accepted)
{
    coauth::token_cache_options options;
    options.max_idle = std::chrono::seconds::max();
    options.max_sources = std::numeric_limits<std::size_t>::max();
    caching c(options);
    (void)c.at(1);
    (void)c.at(2);
    (void)c.at(1);
    c.cache.remove_idle();
    BOOST_TEST(c.cache.counters().size == 2U);
    BOOST_TEST(c.cache.counters().hits == 1U);
    BOOST_TEST(c.cache.counters().idle_removed == 0U);
}

// Many threads use more keys than the capacity.
BOOST_AUTO_TEST_CASE(a_token_cache_works_from_many_threads)
{
    coauth::token_cache_options options;
    options.max_sources = 2000;
    caching c(options);
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back(
            [&c, t]
            {
                for (int i = 0; i < 5000; ++i)
                    (void)c.at((i * (t + 1)) % 3000)->try_get();
            });
    for (auto& one : threads)
        one.join();
    auto const counters = c.cache.counters();
    BOOST_TEST(counters.hits + counters.misses == 20'000U);
    BOOST_TEST(counters.size == 2000U);
    BOOST_TEST(counters.misses - counters.evicted == 2000U);
}

BOOST_AUTO_TEST_SUITE_END()
