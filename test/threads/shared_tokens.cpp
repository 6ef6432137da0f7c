// Processes of a fleet on a pool of threads, with a store that fails now and then, tokens that are
// rejected and fetched by force, and callers that are cancelled: each operation completes exactly
// once. Intended for ThreadSanitizer.

#include <coauth/testing/memory_token_store.hpp>

#include "fixture.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/test/unit_test.hpp>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

using namespace test;
namespace asio = boost::asio;
using coauth::testing::memory_token_store;
using coauth::testing::store_fault_kind;

namespace
{

struct node
{
    node(
        asio::thread_pool& pool, std::shared_ptr<memory_token_store> store,
        coauth::shared_tokens_options const& options, std::atomic<int>& fetches)
        : fetcher(
              pool,
              [&fetches](coauth::token_fetch const&, coauth::token_fetch_handler const& handler)
              {
                  coauth::access_token_info info;
                  info.value = "t" + std::to_string(++fetches);
                  info.lifetime = 3600s;
                  asio::post(
                      handler.get_executor(),
                      [handler, token = coauth::access_token(std::move(info))] { handler(token); });
              })
        , shared(fetcher, std::move(store), options)
        , tokens(shared)
    {
    }

    coauth::token_fetcher fetcher;
    coauth::shared_tokens shared;
    coauth::token_source tokens;
};

} // namespace

BOOST_AUTO_TEST_SUITE(shared_tokens)

BOOST_AUTO_TEST_CASE(every_operation_ends_once_on_a_pool_of_threads)
{
    constexpr int rounds = 60;
    asio::thread_pool pool(3);
    auto const store = std::make_shared<memory_token_store>(pool);
    coauth::shared_tokens_options options;
    options.keys = [] { return coauth::secret("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="); };
    options.identity = "mine";
    options.store_timeout = 20ms;
    std::atomic<int> fetches{0};
    std::vector<std::unique_ptr<node>> nodes;
    for (int i = 0; i < 6; ++i)
        nodes.push_back(std::make_unique<node>(pool, store, options, fetches));

    std::atomic<int> started{0};
    std::atomic<int> ended{0};
    auto const count_end = [&](token_result const&) { ++ended; };
    std::vector<std::thread> threads;
    for (int t = 0; t < 2; ++t)
        threads.emplace_back(
            [&, t]
            {
                for (int i = 0; i < rounds; ++i)
                {
                    auto& tokens = nodes[std::size_t(i) % nodes.size()]->tokens;
                    if (i % 7 == 3)
                        store->set_fault(
                            {i % 2 == 0 ? store_fault_kind::lost_response
                                        : store_fault_kind::refused,
                             0ms, coauth::store_operation(i % 6), 1});
                    if (i % 11 == t)
                        store->evict();
                    (void)tokens.invalidate(tokens.try_get());
                    started += 2;
                    if (i % 3 == 0)
                        tokens.async_get_new_access_token(count_end);
                    else
                        tokens.async_get_access_token(count_end);
                    tokens.async_get_access_token(2ms, count_end);
                    auto const signal = std::make_shared<asio::cancellation_signal>();
                    auto const strand = asio::make_strand(pool);
                    coauth::token_fetcher const fetcher = nodes.back()->shared;
                    ++started;
                    asio::post(
                        strand,
                        [&, fetcher, signal, strand]
                        {
                            fetcher.async_fetch(
                                {}, asio::bind_cancellation_slot(
                                        signal->slot(), asio::bind_executor(
                                                            strand, [&, signal](token_result const&)
                                                            { ++ended; })));
                            asio::post(
                                strand, [signal] { signal->emit(asio::cancellation_type::total); });
                        });
                }
            });
    for (auto& thread : threads)
        thread.join();
    for (auto const& one : nodes)
        BOOST_TEST(one->tokens.async_get_access_token(asio::use_future).get().has_value());
    nodes.clear();
    pool.join();
    BOOST_TEST(started == ended);
    BOOST_TEST(fetches > 0);
}

BOOST_AUTO_TEST_SUITE_END()
