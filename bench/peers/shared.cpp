// A process of a fleet, which shares tokens by a store on Redis.
//
//   bench_shared HOW STORE-URL ...
//
// HOW: "store", cold starts one after the other, each of which finds its token in the store;
// "fetch", the same without a store, each with a new connection to the server; "coauth-shared",
// hits, as bench_hits measures them.

#include <coauth/client.hpp>
#include <coauth/token_source.hpp>

#include "common.hpp"
#include "hits.hpp"
#include "shared_source.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>

#include <optional>
#include <string>
#include <utility>

namespace asio = boost::asio;

namespace
{

void check(coauth::result<coauth::access_token> const& got)
{
    if (!got)
        throw std::runtime_error(got.error().message());
    bench::check(got->value(), got->token_type());
}

// All that a process makes before its first token. The CA file alone was read by an earlier one.
void start(bool with_store, std::string const& store_url, bench::options const& opts)
{
    asio::io_context context(1);
    coauth::client client(context, bench::configuration(opts));
    std::optional<bench::shared_source> shared;
    std::optional<coauth::token_source> alone;
    if (with_store)
        shared.emplace(client, context, store_url);
    else
        alone.emplace(client);
    auto& source = with_store ? shared->tokens : *alone;
    std::optional<coauth::result<coauth::access_token>> got;
    source.async_get_access_token(
        [&](coauth::result<coauth::access_token> token)
        {
            got = std::move(token);
            context.stop();
        });
    context.run();
    check(*got);
    if (with_store && shared->tokens_of_store.counters().hits != 1)
        throw std::runtime_error("the token came from the server, not from the store");
}

void measure_starts(std::string const& how, std::string const& url, bench::options const& opts)
{
    bool const with_store = how == "store";
    if (with_store)
        bench::fill_store(url, opts);
    bench::measure(
        how.c_str(), opts,
        [&](bench::load& load)
        {
            while (load.next())
            {
                auto const began = bench::clock::now();
                start(with_store, url, opts);
                load.done(began);
            }
        });
}

void measure_shared_hits(std::string const& url, bench::options const& opts)
{
    asio::thread_pool pool(1);
    coauth::client client(pool.get_executor(), bench::configuration(opts));
    bench::shared_source source(client, pool, url);
    check(source.tokens.async_get_access_token(asio::use_future).get());
    bench::measure_hits("coauth-shared", bench::by_coauth(source.tokens), opts);
}

void run(std::string const& how, std::string const& url, bench::options const& opts)
{
    if (how == "coauth-shared")
        measure_shared_hits(url, opts);
    else if (how == "store" || how == "fetch")
        measure_starts(how, url, opts);
    else
        throw std::invalid_argument("HOW is store, fetch or coauth-shared");
}

} // namespace

int main(int argc, char** argv)
{
    return bench::report_failure(
        [&]
        {
            if (argc < 3)
                throw std::invalid_argument("bench_shared HOW STORE-URL ...");
            run(argv[1], argv[2], bench::parse(argc - 2, argv + 2));
        });
}
