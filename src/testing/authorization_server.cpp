#include <coauth/smscx.hpp>
#include <coauth/testing/authorization_server.hpp>

#include "testing/connection.hpp"
#include "testing/listener.hpp"
#include "testing/request_log.hpp"
#include "testing/server_certificate.hpp"
#include "testing/server_state.hpp"
#include "testing/tls_server.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>

#include <new>
#include <thread>
#include <utility>

namespace coauth::testing
{

namespace asio = boost::asio;
using tcp = asio::ip::tcp;

class authorization_server::state
{
public:
    explicit state(server_options chosen_options) : options(std::move(chosen_options))
    {
        if (!options.tls)
            return;
        certificate = make_server_certificate(options);
        auto const requests = options.client_certificates;
        tls.emplace(
            make_tls_server(certificate, options, requests == client_certificates::requested));
        if (requests == client_certificates::requested_at_alias)
            alias_tls.emplace(make_tls_server(certificate, options, true));
    }

    ~state()
    {
        io_context.stop();
        if (thread.joinable())
            thread.join();
    }

    void listen()
    {
        main.emplace(
            io_context, options.address, options.port,
            [this](tcp::socket socket) { serve(std::move(socket), tls); });
        port = mtls_port = main->port();
        if (alias_tls)
        {
            alias.emplace(
                io_context, options.address, std::uint16_t{0},
                [this](tcp::socket socket) { serve(std::move(socket), alias_tls); });
            mtls_port = alias->port();
            alias->accept();
        }
        server.emplace(options, port, mtls_port);
        main->accept();
        thread = std::thread([this] { run(); });
    }

    void rotate_session_keys()
    {
        on_thread(
            [this]
            {
                for (auto* const each : {&tls, &alias_tls})
                    if (*each)
                        testing::rotate_session_keys(**each);
            });
    }

    void rotate_dpop_nonce()
    {
        on_thread([this] { server->rotate_nonce(); });
    }

    server_options const options;
    request_log log{options.remembered_requests};
    server_certificate certificate;
    std::uint16_t port = 0;
    std::uint16_t mtls_port = 0;
    // Functions that only read the options may be called from any thread.
    std::optional<server_state> server;

private:
    using tls_context = std::optional<asio::ssl::context>;

    template <class Function>
    void on_thread(Function function)
    {
        asio::post(io_context, asio::use_future(std::move(function))).get();
    }

    void serve(tcp::socket socket, tls_context& context)
    {
        testing::serve(std::move(socket), {options, log, *server, context ? &*context : nullptr});
    }

    void run() noexcept
    {
        while (!io_context.stopped())
        {
            try
            {
                io_context.run();
            }
            catch (...) // NOLINT(bugprone-empty-catch)
            {
                // An exception in a connection ends only that connection.
            }
        }
    }

    tls_context tls;
    tls_context alias_tls;
    asio::io_context io_context{1};
    std::optional<listener> main;
    std::optional<listener> alias;
    std::thread thread;
};

authorization_server::authorization_server(std::unique_ptr<state> s) noexcept : state_(std::move(s))
{
}

authorization_server::authorization_server(authorization_server&&) noexcept = default;
authorization_server& authorization_server::operator=(authorization_server&&) noexcept = default;
authorization_server::~authorization_server() = default;

result<authorization_server> authorization_server::start(server_options options)
{
    try
    {
        auto s = std::make_unique<state>(std::move(options));
        s->listen();
        return authorization_server(std::move(s));
    }
    catch (boost::system::system_error const& e)
    {
        error_info info;
        info.context = e.what();
        info.cause = e.code();
        return error(errc::connect_failed, std::move(info));
    }
    catch (std::bad_alloc const&)
    {
        return error(errc::out_of_memory);
    }
    catch (std::exception const& e)
    {
        error_info info;
        info.context = e.what();
        return error(errc::tls_failed, std::move(info));
    }
}

std::uint16_t authorization_server::port() const noexcept
{
    return state_->port;
}

std::string authorization_server::token_endpoint(std::string const& host) const
{
    return state_->server->origin(host) + state_->options.path;
}

std::string authorization_server::issuer() const
{
    return state_->server->issuer();
}

std::string authorization_server::introspection_endpoint() const
{
    return state_->server->origin() + state_->options.introspection_path;
}

std::string authorization_server::jwks() const
{
    return state_->server->jwks();
}

std::string authorization_server::revocation_endpoint() const
{
    return state_->server->origin() + state_->options.revocation_path;
}

std::string authorization_server::api_url() const
{
    return state_->server->api_url();
}

std::uint16_t authorization_server::mtls_port() const noexcept
{
    return state_->mtls_port;
}

std::string authorization_server::mtls_token_endpoint() const
{
    return state_->server->mtls_origin() + state_->options.path;
}

std::string const& authorization_server::ca_pem() const noexcept
{
    return state_->certificate.ca_pem;
}

std::string authorization_server::crl_pem(bool revoked) const
{
    return revoked ? state_->certificate.crl_pem : state_->certificate.crl_pem_without_entry;
}

namespace
{

server_endpoints endpoints_at(std::string const& origin, server_options const& options)
{
    auto const at = [&origin](std::string const& path)
    { return path.empty() ? std::string() : origin + path; };
    return {origin + options.path, at(options.introspection_path), at(options.revocation_path)};
}

} // namespace

client_config authorization_server::config() const
{
    auto const& options = state_->options;
    client_config config;
    if (options.flavor == server_flavor::smscx)
        config = smscx::config(options.client_id, options.client_secret);
    else
        config.authentication =
            client_authentication::client_secret_basic(options.client_id, options.client_secret);
    auto& server = config.server;
    auto const endpoints = endpoints_at(state_->server->origin(), options);
    server.issuer = issuer();
    server.token_endpoint = endpoints.token_endpoint;
    server.introspection_endpoint = endpoints.introspection_endpoint;
    server.revocation_endpoint = endpoints.revocation_endpoint;
    if (!options.jwks_path.empty())
        server.jwks_uri = state_->server->origin() + options.jwks_path;
    if (state_->mtls_port != state_->port)
        server.mtls_endpoint_aliases = endpoints_at(state_->server->mtls_origin(), options);
    config.tls.ca_pem = ca_pem();
    config.allow_http_loopback = !options.tls;
    return config;
}

void authorization_server::push_response(response scripted)
{
    state_->log.push(std::move(scripted));
}
void authorization_server::set_response(response scripted)
{
    state_->log.set(std::move(scripted));
}
void authorization_server::clear_responses()
{
    state_->log.clear();
}

void authorization_server::rotate_session_keys()
{
    state_->rotate_session_keys();
}

void authorization_server::rotate_dpop_nonce()
{
    state_->rotate_dpop_nonce();
}

std::vector<received_request> authorization_server::requests() const
{
    return state_->log.requests();
}

std::size_t authorization_server::connections() const noexcept
{
    return state_->log.connections();
}

std::size_t authorization_server::handshakes() const noexcept
{
    return state_->log.handshakes;
}
std::size_t authorization_server::resumed() const noexcept
{
    return state_->log.resumed;
}

std::size_t authorization_server::bytes_received() const noexcept
{
    return state_->log.bytes_received;
}

std::size_t authorization_server::bytes_sent() const noexcept
{
    return state_->log.bytes_sent;
}

std::string authorization_server::server_name() const
{
    return state_->log.server_name();
}

bool authorization_server::wait_for_connections(
    std::size_t count, std::chrono::milliseconds limit) const
{
    return state_->log.wait_for_connections(count, limit);
}

bool authorization_server::wait_for_requests(
    std::size_t count, std::chrono::milliseconds limit) const
{
    return state_->log.wait_for_requests(count, limit);
}

} // namespace coauth::testing
