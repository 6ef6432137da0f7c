// The n-th allocation fails: token sources and caches. See allocations.cpp.

#include "allocation_scan.hpp"

#include <boost/test/unit_test.hpp>

#include <memory>
#include <thread>
#include <vector>

using namespace test;

BOOST_AUTO_TEST_SUITE(allocations)

using coauth::token_request;

BOOST_AUTO_TEST_CASE(a_token_source_survives_each_failing_allocation)
{
    scan runs;
    runs.server().set_response(response::json(200, token_body));
    runs.fail_each(
        [](scan_run& in)
        {
            auto owned = std::make_shared<owner>(in);
            auto const again = [weak = std::weak_ptr(owned), &in](token_result const& first)
            {
                auto const owner = weak.lock();
                if (owner && first)
                    owner->source.invalidate(*first);
                in.end(first);
                if (owner)
                    in.begin([&] { owner->source.async_get_access_token(in.handler()); });
            };
            in.begin(
                [&]
                {
                    ++in.started;
                    owned->source.async_get_access_token(again);
                });
            in.begin([&] { owned->source.async_get_access_token(in.handler()); });
            return owned;
        },
        2);
}

// Tokens are due at once: one is refreshed in the background, one by force, and one is awaited with
// a time limit; then the source is closed.
BOOST_AUTO_TEST_CASE(refreshing_and_closing_a_token_source_survives_each_failing_allocation)
{
    scan runs;
    runs.server().set_response(response::json(200, token_body));
    runs.fail_each(
        [](scan_run& in)
        {
            coauth::token_source_options options;
            options.refresh_at = 1e-6;
            options.refresh_jitter = 0;
            options.min_refresh_interval = 0ms;
            auto owned = std::make_shared<owner>(in, options);
            auto const refresh = [weak = std::weak_ptr(owned), &in](token_result const& first)
            {
                in.end(first);
                auto const owner = weak.lock();
                if (!owner)
                    return;
                std::this_thread::sleep_for(5ms);
                in.begin([&] { owner->source.async_get_access_token(in.handler()); });
                in.await([&] { return owner->source.async_get_access_token(1s); });
                in.await([&] { return owner->source.async_get_new_access_token(); });
            };
            in.begin(
                [&]
                {
                    ++in.started;
                    owned->source.async_get_access_token(1s, refresh);
                });
            return owned;
        },
        2, some);
}

BOOST_AUTO_TEST_CASE(a_token_cache_survives_each_failing_allocation)
{
    scan runs;
    runs.server().set_response(response::json(200, token_body));
    struct owner_of_many
    {
        explicit owner_of_many(scan_run& in) : client(in.context.get_executor(), in.config) {}
        coauth::client client;
        coauth::token_cache cache;
        std::vector<std::shared_ptr<coauth::token_source>> kept;
    };
    runs.fail_each(
        [](scan_run& in)
        {
            auto owned = std::make_shared<owner_of_many>(in);
            for (char const* const scope : {"read", "write", "read"})
                in.begin(
                    [&]
                    {
                        owned->kept.push_back(
                            owned->cache.get(owned->client, token_request().scope(scope)));
                        owned->kept.back()->async_get_access_token(in.handler());
                    });
            return owned;
        },
        2, some);
}

BOOST_AUTO_TEST_SUITE_END()
