// A process of a fleet, which shares tokens by a store on Redis.
//
//   bench_shared HOW STORE-URL ...
//
// HOW: "store", cold starts one after the other, each of which finds its token in the store;
// "fetch", the same without a store, each with a new connection to the server; "coauth-shared",
// hits, as bench_hits measures them; "member", a process that asks for a token every 100 ms and
// prints how many different ones it got; "loner", the same without a store.

#include <coauth/client.hpp>
#include <coauth/token_source.hpp>

#include "common.hpp"
#include "hits.hpp"
#include "shared_source.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>

#include <chrono>
#include <cstdio>
#include <optional>
#include <set>
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
struct process
{
    process(bool with_store, std::string const& store_url, bench::options const& opts)
        : client(context, bench::configuration(opts))
    {
        if (with_store)
            shared.emplace(client, context, store_url);
        else
            alone.emplace(client);
    }
    coauth::token_source& source() { return shared ? shared->tokens : *alone; }

    asio::io_context context{1};
    coauth::client client;
    std::optional<bench::shared_source> shared;
    std::optional<coauth::token_source> alone;
};

void start(bool with_store, std::string const& store_url, bench::options const& opts)
{
    process one(with_store, store_url, opts);
    std::optional<coauth::result<coauth::access_token>> got;
    one.source().async_get_access_token(
        [&](coauth::result<coauth::access_token> token)
        {
            got = std::move(token);
            one.context.stop();
        });
    one.context.run();
    check(*got);
    if (with_store && one.shared->tokens_of_store.counters().hits != 1)
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

class regular_calls
{
public:
    regular_calls(asio::io_context& context, coauth::token_source& source, std::size_t number)
        : timer_(context)
        , source_(source)
        , left_(number)
    {
    }

    void next()
    {
        source_.async_get_access_token(
            [this](coauth::result<coauth::access_token> const& got)
            {
                check(got);
                found_.emplace(got->value());
                if (--left_ == 0)
                    return source_.close();
                timer_.expires_after(std::chrono::milliseconds(100));
                timer_.async_wait([this](auto const&) { next(); });
            });
    }
    [[nodiscard]] std::size_t different() const { return found_.size(); }

private:
    asio::steady_timer timer_;
    coauth::token_source& source_;
    std::size_t left_;
    std::set<std::string, std::less<>> found_;
};

void live(bool with_store, std::string const& url, bench::options const& opts)
{
    process one(with_store, url, opts);
    regular_calls calls(one.context, one.source(), opts.requests);
    calls.next();
    one.context.run();
    std::printf("{\"tokens\":%zu}\n", calls.different());
}

void run(std::string const& how, std::string const& url, bench::options const& opts)
{
    if (how == "coauth-shared")
        measure_shared_hits(url, opts);
    else if (how == "store" || how == "fetch")
        measure_starts(how, url, opts);
    else if (how == "member" || how == "loner")
        live(how == "member", url, opts);
    else
        throw std::invalid_argument("HOW is store, fetch, coauth-shared, member or loner");
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
