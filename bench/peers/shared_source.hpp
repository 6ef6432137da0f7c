// A token source of a fleet, for the programs that measure one.
#ifndef COAUTH_BENCH_SHARED_SOURCE_HPP
#define COAUTH_BENCH_SHARED_SOURCE_HPP

#include <coauth/client.hpp>
#include <coauth/redis_token_store.hpp>
#include <coauth/shared_tokens.hpp>
#include <coauth/token_source.hpp>

#include "common.hpp"

#include <boost/asio/io_context.hpp>

#include <memory>
#include <string>
#include <utility>

namespace bench
{

// Without sessions, which a process that starts does not have.
inline coauth::client_config configuration(options const& opts)
{
    coauth::client_config config;
    config.server.token_endpoint = opts.endpoint;
    config.authentication =
        coauth::client_authentication::client_secret_basic(client_id, std::string(client_secret));
    config.tls.ca_file = opts.ca_file;
    config.tls.session_resumption = false;
    return config;
}

inline coauth::shared_tokens_options sharing()
{
    coauth::shared_tokens_options options;
    options.keys = [] { return coauth::secret("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="); };
    return options;
}

struct shared_source
{
    template <class ExecutionContext>
    shared_source(coauth::client& client, ExecutionContext& context, std::string url)
        : tokens_of_store(
              client,
              std::make_shared<coauth::redis_token_store>(
                  context, coauth::redis_options{.url = std::move(url)}),
              sharing())
        , tokens(tokens_of_store)
    {
    }

    coauth::shared_tokens tokens_of_store;
    coauth::token_source tokens;
};

// From now on the token is in the store.
inline void fill_store(std::string const& url, options const& opts)
{
    boost::asio::io_context context(1);
    coauth::client client(context, configuration(opts));
    shared_source source(client, context, url);
    source.tokens.async_get_access_token([](coauth::result<coauth::access_token> const&) {});
    auto const is_in_store = [&]
    {
        auto const counters = source.tokens_of_store.counters();
        return counters.published + counters.hits != 0;
    };
    while (!is_in_store() && context.run_one() != 0)
    {
    }
    if (!is_in_store())
        throw std::runtime_error("the store got no token");
}

} // namespace bench

#endif
