// A token source whose tokens come from a cloud's metadata server, over plain HTTP. Any function
// that can get a token may take the place of `get_from_metadata_server`: a vault, or a fake in a
// test.
//
//   GCE_METADATA_HOST   empty: metadata.google.internal, as on Google's virtual machines

#include <coauth/coauth.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <string>
#include <utility>

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;

constexpr auto use_tuple = asio::as_tuple(asio::use_awaitable);

struct server
{
    std::string host;
    std::string port;
};

server server_from_environment()
{
    char const* const variable = std::getenv("GCE_METADATA_HOST");
    std::string const text = variable != nullptr ? variable : "metadata.google.internal";
    auto const colon = text.find(':');
    return {text.substr(0, colon), colon == text.npos ? "80" : text.substr(colon + 1)};
}

// An error that the library retries.
coauth::error connection_error(boost::system::error_code cause)
{
    coauth::error_info info;
    info.context = "no response from the metadata server";
    info.cause = cause;
    return {coauth::errc::connect_failed, std::move(info)};
}

// One attempt. Its deadline cancels it.
asio::awaitable<coauth::result<coauth::access_token>>
get_from_metadata_server(server const& from, std::string scope)
{
    auto const executor = co_await asio::this_coro::executor;
    auto const requested_at = std::chrono::steady_clock::now();
    asio::ip::tcp::resolver resolver(executor);
    auto [no_address, addresses] = co_await resolver.async_resolve(from.host, from.port, use_tuple);
    if (no_address)
        co_return connection_error(no_address);
    beast::tcp_stream stream(executor);
    auto [no_connection, peer] = co_await stream.async_connect(addresses, use_tuple);
    if (no_connection)
        co_return connection_error(no_connection);

    http::request<http::empty_body> request(
        http::verb::get,
        "/computeMetadata/v1/instance/service-accounts/default/token?scopes=" + scope, 11);
    request.set(http::field::host, from.host);
    request.set("Metadata-Flavor", "Google");
    auto [not_written, written] = co_await http::async_write(stream, request, use_tuple);
    if (not_written)
        co_return connection_error(not_written);
    beast::flat_buffer buffer;
    http::response<http::string_body> response;
    auto [not_read, read] = co_await http::async_read(stream, buffer, response, use_tuple);
    if (not_read)
        co_return connection_error(not_read);
    co_return coauth::parse_token_response(response.result_int(), response.body(), requested_at);
}

asio::awaitable<void> run(coauth::token_source& tokens, bool& ok)
{
    auto token = co_await tokens.async_get_access_token();
    ok = token.has_value();
    if (token)
        std::cout << *token << '\n';
    else
        std::cerr << token.error() << '\n';
}

int main()
{
    asio::io_context context;
    coauth::token_fetcher const fetcher(
        context, [from = server_from_environment()](coauth::token_fetch what)
        { return get_from_metadata_server(from, what.request.scope()); });
    coauth::token_source tokens(fetcher, coauth::token_request().scope("read"));

    bool ok = false;
    // Both wait for one fetch.
    asio::co_spawn(context, run(tokens, ok), asio::detached);
    asio::co_spawn(context, run(tokens, ok), asio::detached);
    context.run();
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
