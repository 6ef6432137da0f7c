// A web server that calls an API for each visitor with a Bearer token. All calls share one token,
// which is refreshed in the background and replaced if the API rejects it.
//
//   http_server --demo      starts its own API on the loopback, sends one request, and ends
//   http_server PORT HOST   serves at 127.0.0.1:PORT and calls http://HOST/
//
//   COAUTH_TOKEN_ENDPOINT, COAUTH_CLIENT_ID, COAUTH_CLIENT_SECRET   required
//   COAUTH_CA_FILE                                                  empty: the system's CAs
//
// Call a real API over TLS. This example does not, to stay short.

#include <coauth/coauth.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>

#include <chrono>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <tuple>

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
using boost::system::error_code;

using request_type = http::request<http::string_body>;
using response_type = http::response<http::string_body>;

constexpr auto use_tuple = asio::as_tuple(asio::use_awaitable);

// The address of the API.
struct api_address
{
    std::string host;
    std::string port;
};

coauth::client_config config_from_environment()
{
    coauth::client_config config;
    if (char const* const url = std::getenv("COAUTH_TOKEN_ENDPOINT"))
        config.server.token_endpoint = url;
    config.authentication = coauth::client_authentication::client_secret_basic(
        std::getenv("COAUTH_CLIENT_ID"), std::getenv("COAUTH_CLIENT_SECRET"));
    if (char const* const file = std::getenv("COAUTH_CA_FILE"))
        config.tls.ca_file = file;
    return config;
}

response_type respond(http::status status, std::string body)
{
    response_type response(status, 11);
    response.set(http::field::content_type, "text/plain");
    response.body() = std::move(body);
    response.prepare_payload();
    return response;
}

// One HTTP exchange. The result is status 502 if there is no response.
asio::awaitable<response_type> exchange(api_address endpoint, request_type request)
{
    auto executor = co_await asio::this_coro::executor;
    tcp::resolver resolver(executor);
    beast::tcp_stream stream(executor);
    stream.expires_after(std::chrono::seconds(10));

    beast::flat_buffer buffer;
    response_type response;
    error_code failed;
    tcp::resolver::results_type endpoints;
    std::tie(failed, endpoints) =
        co_await resolver.async_resolve(endpoint.host, endpoint.port, use_tuple);
    if (!failed)
        std::tie(failed, std::ignore) = co_await stream.async_connect(endpoints, use_tuple);
    if (!failed)
        std::tie(failed, std::ignore) = co_await http::async_write(stream, request, use_tuple);
    if (!failed)
        std::tie(failed, std::ignore) =
            co_await http::async_read(stream, buffer, response, use_tuple);
    if (failed)
        response = respond(http::status::bad_gateway, "No response: " + failed.message() + '\n');
    co_return response;
}

request_type api_request(api_address const& api, coauth::access_token const& token)
{
    request_type request(http::verb::get, "/", 11);
    request.set(http::field::host, api.host + ':' + api.port);
    request.set(http::field::authorization, token.authorization());
    return request;
}

// Handles a visitor's request by a call of the API.
asio::awaitable<response_type> call_api(coauth::token_source& tokens, api_address api)
{
    // Called once more with a new token if the API rejects the first.
    auto const call = [&api](coauth::access_token token)
    { return exchange(api, api_request(api, token)); };
    auto response = co_await coauth::async_call_with_token(tokens, call);
    if (!response)
    {
        std::cerr << "no token: " << response.error() << '\n'; // contains no secret
        co_return respond(http::status::bad_gateway, "The API cannot be reached now.\n");
    }
    co_return respond(response->result(), "The API says: " + response->body());
}

// The API of the demonstration. It accepts any Bearer token except the first one that it receives,
// which it treats as revoked.
asio::awaitable<response_type> demo_api(request_type request, std::string& revoked)
{
    std::string const token(request[http::field::authorization]);
    if (revoked.empty())
        revoked = token;
    if (token.starts_with("Bearer ") && token != revoked)
        co_return respond(http::status::ok, "hello, bearer of a token\n");
    auto refusal = respond(http::status::unauthorized, "not with this token\n");
    refusal.set(http::field::www_authenticate, "Bearer error=\"invalid_token\"");
    co_return refusal;
}

using handler = std::function<asio::awaitable<response_type>(request_type)>;

// Reads requests from one connection and sends responses until it ends.
asio::awaitable<void> serve(tcp::socket socket, handler handle)
{
    beast::tcp_stream stream(std::move(socket));
    beast::flat_buffer buffer;
    error_code failed;
    bool open = true;
    while (open)
    {
        stream.expires_after(std::chrono::seconds(30));
        request_type request;
        std::tie(failed, std::ignore) =
            co_await http::async_read(stream, buffer, request, use_tuple);
        if (failed)
            co_return;
        open = request.keep_alive();
        auto response = co_await handle(std::move(request));
        response.keep_alive(open);
        std::tie(failed, std::ignore) = co_await http::async_write(stream, response, use_tuple);
        if (failed)
            co_return;
    }
}

asio::awaitable<void> listen(tcp::acceptor& acceptor, handler handle)
{
    auto executor = co_await asio::this_coro::executor;
    asio::steady_timer pause(executor);
    while (acceptor.is_open())
    {
        auto [failed, socket] = co_await acceptor.async_accept(use_tuple);
        if (!failed)
        {
            asio::co_spawn(executor, serve(std::move(socket), handle), asio::detached);
            continue;
        }
        // For example out of descriptors. The delay prevents a busy loop.
        pause.expires_after(std::chrono::milliseconds(100));
        co_await pause.async_wait(use_tuple);
    }
}

api_address address_of(tcp::acceptor const& acceptor)
{
    return {"127.0.0.1", std::to_string(acceptor.local_endpoint().port())};
}

asio::awaitable<void> demo_visit(api_address server, asio::io_context& context, int& status)
{
    request_type request(http::verb::get, "/", 11);
    request.set(http::field::host, server.host);
    auto response = co_await exchange(server, request);
    std::cout << response.result_int() << ' ' << response.body();
    if (response.result() == http::status::ok)
        status = EXIT_SUCCESS;
    context.stop();
}

tcp::acceptor listen_at(asio::io_context& context, unsigned short port)
{
    return {context, tcp::endpoint(asio::ip::address_v4::loopback(), port)};
}

// Each visitor's request causes a call of the API.
handler front(coauth::token_source& tokens, api_address api)
{
    return [&tokens, api = std::move(api)](request_type) { return call_api(tokens, api); };
}

int run_demo()
{
    asio::io_context context;
    coauth::client client(context.get_executor(), config_from_environment());
    coauth::token_source tokens(client, coauth::token_request().scope("read"));
    std::string revoked;
    auto api = listen_at(context, 0);
    auto server = listen_at(context, 0);
    handler const demo = [&revoked](request_type request)
    { return demo_api(std::move(request), revoked); };
    int status = EXIT_FAILURE;
    asio::co_spawn(context, listen(api, demo), asio::detached);
    asio::co_spawn(context, listen(server, front(tokens, address_of(api))), asio::detached);
    asio::co_spawn(context, demo_visit(address_of(server), context, status), asio::detached);
    context.run();
    return status;
}

int run_server(unsigned short port, std::string const& host)
{
    asio::io_context context;
    coauth::client client(context.get_executor(), config_from_environment());
    auto const ready = client.validate();
    if (!ready)
    {
        std::cerr << ready.error() << '\n';
        return EXIT_FAILURE;
    }
    coauth::token_source tokens(client, coauth::token_request().scope("read"));
    tokens.warm_up();
    auto const colon = host.find(':');
    api_address const api{
        host.substr(0, colon), colon == std::string::npos ? "80" : host.substr(colon + 1)};
    auto server = listen_at(context, port);
    asio::co_spawn(context, listen(server, front(tokens, api)), asio::detached);
    std::cout << "http://127.0.0.1:" << port << "/\n" << std::flush;
    context.run();
    return EXIT_SUCCESS;
}

int main(int argc, char** argv)
{
    std::string const first = argc > 1 ? argv[1] : "";
    if (first == "--demo")
        return run_demo();
    if (argc == 3)
        return run_server(static_cast<unsigned short>(std::atoi(argv[1])), argv[2]);
    std::cerr << "usage: http_server --demo | PORT HOST[:PORT]\n";
    return EXIT_FAILURE;
}
