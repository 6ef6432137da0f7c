// From the URL of an unknown API to a call with a token, as a client of the Model Context Protocol
// does it: the API's challenge names its metadata, these name the authorization server, and the
// token is requested for this API alone.
//
//   COAUTH_API_URL                           required: https://host[:port]/path
//   COAUTH_ISSUER                            the server for which the credentials are
//   COAUTH_CLIENT_ID, COAUTH_CLIENT_SECRET   required
//   COAUTH_CA_FILE                           empty: the system's CAs

#include <coauth/coauth.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <string>
#include <tuple>

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;
using response_type = http::response<http::string_body>;

constexpr auto use_tuple = asio::as_tuple(asio::use_awaitable);

std::string variable(char const* name)
{
    char const* const value = std::getenv(name);
    return value != nullptr ? value : "";
}

// An API by its URL.
struct api
{
    explicit api(std::string text) : url(std::move(text))
    {
        auto const start = url.find("://") + 3;
        auto const slash = url.find('/', start);
        authority = url.substr(start, slash - start);
        auto const colon = authority.find(':');
        host = authority.substr(0, colon);
        port = colon == std::string::npos ? "443" : authority.substr(colon + 1);
        path = slash == std::string::npos ? "/" : url.substr(slash);
    }

    std::string url;
    // Host and port, for the Host field.
    std::string authority;
    std::string host;
    std::string port;
    std::string path;
};

asio::ssl::context make_tls(std::string const& ca_file)
{
    asio::ssl::context tls(asio::ssl::context::tls_client);
    tls.set_verify_mode(asio::ssl::verify_peer);
    if (ca_file.empty())
        tls.set_default_verify_paths();
    else
        tls.load_verify_file(ca_file);
    return tls;
}

// Calls the API. Without a token: to get its challenge. Status 502: there is no response.
asio::awaitable<response_type>
call(api const& target, asio::ssl::context& tls, coauth::access_token token)
{
    http::request<http::empty_body> request(http::verb::get, target.path, 11);
    request.set(http::field::host, target.authority);
    response_type response(http::status::bad_gateway, 11);
    if (token)
    {
        auto const authorized = coauth::authorize(request, token, "GET", target.url);
        if (!authorized)
        {
            response.body() = authorized.error().message();
            co_return response;
        }
    }
    auto const executor = co_await asio::this_coro::executor;
    asio::ssl::stream<beast::tcp_stream> stream(executor, tls);
    stream.set_verify_callback(asio::ssl::host_name_verification(target.host));
    // An IP address is no server name.
    if (target.host.find_first_not_of("0123456789.") != std::string::npos)
        SSL_set_tlsext_host_name(stream.native_handle(), target.host.c_str());
    beast::get_lowest_layer(stream).expires_after(std::chrono::seconds(10));

    asio::ip::tcp::resolver resolver(executor);
    beast::flat_buffer buffer;
    error_code failed;
    asio::ip::tcp::resolver::results_type addresses;
    std::tie(failed, addresses) =
        co_await resolver.async_resolve(target.host, target.port, use_tuple);
    if (!failed)
        std::tie(failed, std::ignore) =
            co_await beast::get_lowest_layer(stream).async_connect(addresses, use_tuple);
    if (!failed)
        std::tie(failed) =
            co_await stream.async_handshake(asio::ssl::stream_base::client, use_tuple);
    if (!failed)
        std::tie(failed, std::ignore) = co_await http::async_write(stream, request, use_tuple);
    if (!failed)
        std::tie(failed, std::ignore) =
            co_await http::async_read(stream, buffer, response, use_tuple);
    if (failed)
    {
        response.result(http::status::bad_gateway);
        response.body() = failed.message();
    }
    co_return response;
}

coauth::resource_discovery_options discovery_options(response_type const& challenged)
{
    coauth::resource_discovery_options options;
    options.www_authenticate = challenged[http::field::www_authenticate];
    options.discovery.tls.ca_file = variable("COAUTH_CA_FILE");
    // The API must not choose who gets the client's secret.
    if (auto const issuer = variable("COAUTH_ISSUER"); !issuer.empty())
        options.accepted_issuers = {issuer};
    return options;
}

coauth::result<coauth::client_config> client_config(coauth::protected_resource const& found)
{
    coauth::available_credentials credentials;
    credentials.client_secret = variable("COAUTH_CLIENT_SECRET");
    auto authentication = coauth::select_client_authentication(
        found.server, variable("COAUTH_CLIENT_ID"), std::move(credentials));
    if (!authentication)
        return authentication.error();
    coauth::client_config config;
    config.server = found.server;
    config.authentication = std::move(*authentication);
    config.tls.ca_file = variable("COAUTH_CA_FILE");
    return config;
}

asio::awaitable<void> run(api target, asio::ssl::context& tls, int& status)
{
    auto const executor = co_await asio::this_coro::executor;
    auto challenged = co_await call(target, tls, coauth::access_token());
    std::cout << "without a token: " << challenged.result_int() << '\n';

    auto const options = discovery_options(challenged);
    auto found = co_await coauth::async_discover_resource(executor, target.url, options);
    if (!found)
    {
        std::cerr << found.error() << '\n';
        co_return;
    }
    std::cout << "tokens for " << found->resource << " come from " << found->server.issuer << '\n';

    auto config = client_config(*found);
    if (!config)
    {
        std::cerr << config.error() << '\n';
        co_return;
    }
    coauth::client client(executor, *config);
    coauth::token_source tokens(client, found->request());
    auto const with_token = [&](coauth::access_token token) { return call(target, tls, token); };
    auto response = co_await coauth::async_call_with_token(tokens, with_token);
    if (!response)
    {
        std::cerr << response.error() << '\n';
        co_return;
    }
    std::cout << "with a token: " << response->result_int() << ' ' << response->body() << '\n';
    if (response->result() == http::status::ok)
        status = EXIT_SUCCESS;
}

int main()
{
    api const target(variable("COAUTH_API_URL"));
    auto tls = make_tls(variable("COAUTH_CA_FILE"));
    asio::io_context context;
    int status = EXIT_FAILURE;
    asio::co_spawn(context, run(target, tls, status), asio::detached);
    context.run();
    return status;
}
