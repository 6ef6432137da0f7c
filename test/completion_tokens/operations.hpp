#ifndef COAUTH_TEST_COMPLETION_TOKENS_OPERATIONS_HPP
#define COAUTH_TEST_COMPLETION_TOKENS_OPERATIONS_HPP

#include "fixture.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include <functional>
#include <string>
#include <utility>

namespace test
{

inline coauth::client_config
with_timeout(coauth::client_config config, std::chrono::milliseconds timeout)
{
    config.timeout = timeout;
    return config;
}

// A server, a client and a token source, for each operation of the library.
struct operations
{
    // `timeout`: of the client. The fetch of a source goes on when its callers are cancelled.
    explicit operations(std::chrono::milliseconds timeout = 10s)
        : config(with_timeout(server.config(), timeout))
    {
    }

    void run() { context.run_for(20s); }

    authorization_server server = start();
    boost::asio::io_context context;
    coauth::client_config config;
    coauth::client client{context, config};
    coauth::token_source tokens{client, coauth::token_request()};
};

// The operation that `async_call_with_token` calls.
inline boost::asio::awaitable<std::string> call_api(coauth::access_token token)
{
    co_return std::string(token.value());
}
inline bool is_never_rejected(std::string const&)
{
    return false;
}

// Calls `f(name, operation)` for each operation, where `operation(completion_token)` begins it.
// Of those that complete with a `result`.
template <class F>
void for_each_operation(operations& o, F const& f)
{
    using coauth::secret;
    f("client.async_get_access_token", [&](auto&& token)
      { return o.client.async_get_access_token(coauth::token_request(), std::move(token)); });
    f("async_get_access_token",
      [&](auto&& token)
      {
          return coauth::async_get_access_token(
              o.context.get_executor(), o.config, coauth::token_request(), std::move(token));
      });
    f("client.async_introspect", [&](auto&& token)
      { return o.client.async_introspect(secret("a.token"), std::string(), std::move(token)); });
    f("client.async_revoke", [&](auto&& token)
      { return o.client.async_revoke(secret("a.token"), std::string(), std::move(token)); });
    f("async_discover",
      [&](auto&& token)
      {
          coauth::discovery_options options;
          options.tls = o.config.tls;
          return coauth::async_discover(
              o.context.get_executor(), o.server.issuer(), options, std::move(token));
      });
    f("token_source.async_get_access_token",
      [&](auto&& token) { return o.tokens.async_get_access_token(std::move(token)); });
    f("token_fetcher.async_fetch", [&](auto&& token)
      { return coauth::token_fetcher(o.client).async_fetch({}, std::move(token)); });
    f("token_source.async_get_new_access_token",
      [&](auto&& token) { return o.tokens.async_get_new_access_token(std::move(token)); });
}

} // namespace test

#endif
