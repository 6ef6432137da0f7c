// Cache hits: coauth's token_source compared with hand-written caches.
//
//   bench_hits HOW ...   HOW: coauth, coauth-awaited, mutex, atomic
//
// --in-flight is the number of threads, --requests the number of hits of each thread.

#include "hits.hpp"

#include <coauth/client.hpp>
#include <coauth/token_source.hpp>

#include "common.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>

#include <atomic>
#include <memory>
#include <mutex>

namespace asio = boost::asio;

namespace
{

struct cached_token
{
    std::string authorization;
    bench::clock::time_point end;

    [[nodiscard]] bool is_usable() const { return bench::clock::now() < end; }
};

std::shared_ptr<cached_token const> cache(coauth::access_token const& token)
{
    return std::make_shared<cached_token const>(cached_token{
        std::string(token.authorization()), bench::clock::now() + std::chrono::hours(1)});
}

struct by_mutex
{
    explicit by_mutex(coauth::token_source& from) : token(cache(from.try_get())) {}

    void hit()
    {
        std::shared_ptr<cached_token const> loaded;
        {
            std::lock_guard const lock(mutex);
            if (token->is_usable())
                loaded = token;
        }
        bench::check_hit(loaded->authorization);
    }

    std::mutex mutex;
    std::shared_ptr<cached_token const> token;
};

struct by_atomic
{
    explicit by_atomic(coauth::token_source& from) : token(cache(from.try_get())) {}

    void hit() const
    {
        auto const loaded = token.load(std::memory_order_acquire);
        bench::check_hit(
            loaded->is_usable() ? std::string_view(loaded->authorization) : std::string_view());
    }

    std::atomic<std::shared_ptr<cached_token const>> token;
};

asio::awaitable<void> repeat_awaited(coauth::token_source& source, std::size_t hits)
{
    for (std::size_t i = 0; i < hits; ++i)
    {
        auto const token = co_await source.async_get_access_token();
        bench::check_hit(token ? token->authorization() : std::string_view());
    }
}

struct by_awaiting
{
    explicit by_awaiting(coauth::token_source& from) : source(from) {}
    coauth::token_source& source;
};

void repeat(by_awaiting& way, std::size_t hits)
{
    asio::io_context context(1);
    asio::co_spawn(
        context, repeat_awaited(way.source, hits),
        [](std::exception_ptr const& failure)
        {
            if (failure)
                std::rethrow_exception(failure);
        });
    context.run();
}

coauth::client_config configuration(bench::options const& opts)
{
    coauth::client_config config;
    config.server.token_endpoint = opts.endpoint;
    config.authentication = coauth::client_authentication::client_secret_basic(
        bench::client_id, std::string(bench::client_secret));
    config.tls.ca_file = opts.ca_file;
    return config;
}

void run(std::string_view how, bench::options const& opts)
{
    asio::thread_pool pool(1);
    coauth::client client(pool.get_executor(), configuration(opts));
    coauth::token_source source(client);
    auto const first = source.async_get_access_token(asio::use_future).get();
    if (!first)
        throw std::runtime_error(first.error().message());
    if (how == "coauth")
        bench::measure_hits("coauth", bench::by_coauth(source), opts);
    else if (how == "coauth-awaited")
        bench::measure_hits("coauth-awaited", by_awaiting(source), opts);
    else if (how == "mutex")
        bench::measure_hits<by_mutex&>("mutex", *std::make_unique<by_mutex>(source), opts);
    else if (how == "atomic")
        bench::measure_hits<by_atomic&>("atomic", *std::make_unique<by_atomic>(source), opts);
    else
        throw std::invalid_argument("HOW is coauth, coauth-awaited, mutex or atomic");
}

} // namespace

int main(int argc, char** argv)
{
    return bench::report_failure(
        [&]
        {
            if (argc < 2)
                throw std::invalid_argument("bench_hits HOW ...");
            run(argv[1], bench::parse(argc - 1, argv + 1));
        });
}
