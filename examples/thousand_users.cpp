// Calls an API for a thousand users at the same time. All calls share one token and a small number
// of connections, which are reused; who finds none free waits for one.
//
//   COAUTH_API_URL           required, such as https://api.example.com/path
//   COAUTH_TOKEN_ENDPOINT    required
//   COAUTH_CLIENT_ID         required
//   COAUTH_CLIENT_SECRET     required
//   COAUTH_CA_FILE           empty: the system's CAs

#include <coauth/coauth.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>

#include <chrono>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <memory>
#include <string>
#include <tuple>

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;
using request_type = http::request<http::empty_body>;
using response_type = http::response<http::string_body>;
using stream_type = asio::ssl::stream<beast::tcp_stream>;

constexpr int users = 1000;
constexpr std::size_t max_connections = 16;
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

// The connections to an API. For one thread.
class connection_pool
{
public:
    connection_pool(asio::any_io_executor executor, api const& target, asio::ssl::context& tls)
        : target_(target)
        , tls_(tls)
        , free_(executor, max_connections)
    {
        for (std::size_t i = 0; i < max_connections; ++i)
            free_.try_send(error_code(), nullptr);
    }

    // One request and its response. Status 502: there is no response.
    asio::awaitable<response_type> exchange(request_type request)
    {
        auto [closed, stream] = co_await free_.async_receive(use_tuple);
        bool const reused = stream != nullptr;
        auto response = co_await try_exchange(stream, request);
        // The server may close a connection at any time. A GET may be repeated.
        bool const stale = reused && !stream;
        if (stale)
            response = co_await try_exchange(stream, request);
        free_.try_send(error_code(), std::move(stream));
        co_return response;
    }

    [[nodiscard]] int opened() const { return opened_; }

private:
    using stream_ptr = std::unique_ptr<stream_type>;

    // Over this connection, or a new one if it is null. Null afterwards: it cannot be reused.
    asio::awaitable<response_type> try_exchange(stream_ptr& stream, request_type& request)
    {
        error_code failed;
        if (!stream)
        {
            stream = std::make_unique<stream_type>(free_.get_executor(), tls_);
            failed = co_await open(*stream);
        }
        response_type response;
        beast::flat_buffer buffer;
        beast::get_lowest_layer(*stream).expires_after(std::chrono::seconds(10));
        if (!failed)
            std::tie(failed, std::ignore) = co_await http::async_write(*stream, request, use_tuple);
        if (!failed)
            std::tie(failed, std::ignore) =
                co_await http::async_read(*stream, buffer, response, use_tuple);
        if (failed)
        {
            response = response_type(http::status::bad_gateway, 11);
            response.body() = failed.message();
        }
        beast::get_lowest_layer(*stream).expires_never();
        if (failed || !response.keep_alive())
            stream.reset();
        co_return response;
    }

    asio::awaitable<error_code> open(stream_type& stream)
    {
        ++opened_;
        stream.set_verify_callback(asio::ssl::host_name_verification(target_.host));
        // An IP address is no server name.
        if (target_.host.find_first_not_of("0123456789.") != std::string::npos)
            SSL_set_tlsext_host_name(stream.native_handle(), target_.host.c_str());
        auto& socket = beast::get_lowest_layer(stream);
        socket.expires_after(std::chrono::seconds(10));
        asio::ip::tcp::resolver resolver(free_.get_executor());
        error_code failed;
        asio::ip::tcp::resolver::results_type addresses;
        std::tie(failed, addresses) =
            co_await resolver.async_resolve(target_.host, target_.port, use_tuple);
        if (!failed)
            std::tie(failed, std::ignore) = co_await socket.async_connect(addresses, use_tuple);
        if (!failed)
            std::tie(failed) =
                co_await stream.async_handshake(asio::ssl::stream_base::client, use_tuple);
        co_return failed;
    }

    api const& target_;
    asio::ssl::context& tls_;
    // Each is a connection, or null: one that may be opened.
    asio::experimental::channel<void(error_code, stream_ptr)> free_;
    int opened_ = 0;
};

struct statistics
{
    int accepted = 0;
    int failed = 0;
};

// The call for one user.
asio::awaitable<void> serve_user(
    int user, api const& target, connection_pool& connections, coauth::token_source& tokens,
    statistics& done)
{
    std::string const query = "?user=" + std::to_string(user);
    // Called once more with a new token if the API rejects the first.
    auto const call = [&](coauth::access_token token) -> asio::awaitable<response_type>
    {
        request_type request(http::verb::get, target.path + query, 11);
        request.set(http::field::host, target.authority);
        auto const authorized = coauth::authorize(request, token, "GET", target.url + query);
        if (!authorized)
            co_return response_type(http::status::bad_gateway, 11);
        auto response = co_await connections.exchange(std::move(request));
        co_return response;
    };
    auto response = co_await coauth::async_call_with_token(tokens, call);
    bool const ok = response && response->result() == http::status::ok;
    ++(ok ? done.accepted : done.failed);
    if (!response)
        std::cerr << "user " << user << ": " << response.error() << '\n'; // contains no secret
    else if (!ok)
        std::cerr << "user " << user << ": status " << response->result_int() << '\n';
}

coauth::client_config config_from_environment()
{
    coauth::client_config config;
    config.server.token_endpoint = variable("COAUTH_TOKEN_ENDPOINT");
    config.authentication = coauth::client_authentication::client_secret_basic(
        variable("COAUTH_CLIENT_ID"), variable("COAUTH_CLIENT_SECRET"));
    config.tls.ca_file = variable("COAUTH_CA_FILE");
    return config;
}

int main()
{
    auto const start = std::chrono::steady_clock::now();
    api const target(variable("COAUTH_API_URL"));
    auto tls = make_tls(variable("COAUTH_CA_FILE"));
    asio::io_context context(1);
    coauth::client client(context.get_executor(), config_from_environment());
    coauth::token_source tokens(client, coauth::token_request().scope("read"));
    connection_pool connections(context.get_executor(), target, tls);

    statistics done;
    auto const rethrow = [](std::exception_ptr thrown)
    {
        if (thrown)
            std::rethrow_exception(thrown);
    };
    for (int user = 0; user < users; ++user)
        asio::co_spawn(context, serve_user(user, target, connections, tokens, done), rethrow);
    context.run();

    auto const took =
        std::chrono::round<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start);
    std::cout << done.accepted << " calls accepted, " << done.failed << " failed, in "
              << took.count() << " ms\n"
              << connections.opened() << " connections to the API, " << tokens.counters().fetches
              << " token fetched\n";
    return done.accepted == users ? EXIT_SUCCESS : EXIT_FAILURE;
}
