#include <coauth/smscx.hpp>
#include <coauth/testing/authorization_server.hpp>

#include "testing/certificates.hpp"
#include "testing/connection.hpp"
#include "testing/journal.hpp"
#include "testing/tls_server.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
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
    explicit state(server_options chosen) : options(std::move(chosen))
    {
        if (options.tls)
        {
            id = make_identity(options.certificate);
            ca_pem = to_pem(*id.root.certificate);
            tls.emplace(make_tls_server(id, options));
        }
    }

    ~state()
    {
        context.stop();
        if (thread.joinable())
            thread.join();
    }

    void listen()
    {
        tcp::endpoint const where(asio::ip::make_address(options.address), options.port);
        acceptor.open(where.protocol());
        acceptor.set_option(tcp::acceptor::reuse_address(true));
        acceptor.bind(where);
        acceptor.listen();
        port = acceptor.local_endpoint().port();
        accept();
        thread = std::thread([this] { run(); });
    }

    void forget_sessions()
    {
        if (tls)
            asio::post(context, asio::use_future([this] { testing::forget_sessions(*tls); })).get();
    }

    server_options const options;
    journal log;
    identity id;
    std::string ca_pem;
    std::uint16_t port = 0;

private:
    void accept()
    {
        acceptor.async_accept(
            [this](boost::system::error_code ec, tcp::socket socket)
            {
                if (ec)
                    return accept_later();
                accept();
                serve(std::move(socket), {options, log, tls ? &*tls : nullptr});
            });
    }

    // Out of file descriptors, most likely.
    void accept_later()
    {
        pause.expires_after(std::chrono::milliseconds(10));
        pause.async_wait([this](boost::system::error_code) { accept(); });
    }

    void run() noexcept
    {
        while (!context.stopped())
        {
            try
            {
                context.run();
            }
            catch (...) // NOLINT(bugprone-empty-catch)
            {
                // What a connection threw ends that connection alone.
            }
        }
    }

    std::optional<asio::ssl::context> tls;
    asio::io_context context{1};
    tcp::acceptor acceptor{context};
    asio::steady_timer pause{context};
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
    auto const& options = state_->options;
    bool const v6 = options.address.find(':') != std::string::npos;
    auto const own = v6 ? "[" + options.address + "]" : options.address;
    return (options.tls ? "https://" : "http://") + (host.empty() ? own : host) + ":" +
           std::to_string(port()) + options.path;
}

std::string const& authorization_server::ca_pem() const noexcept
{
    return state_->ca_pem;
}

std::string authorization_server::crl_pem(bool revoked) const
{
    return state_->options.tls ? make_crl_pem(state_->id, revoked) : std::string();
}

client_config authorization_server::config() const
{
    auto const& options = state_->options;
    client_config made;
    if (options.dialect == dialect::smscx)
        made = smscx::config(options.client_id, options.client_secret);
    else
        made.authentication =
            client_authentication::client_secret_basic(options.client_id, options.client_secret);
    made.server.token_endpoint = token_endpoint();
    made.tls.ca_pem = ca_pem();
    made.allow_http_loopback = !options.tls;
    return made;
}

void authorization_server::push(answer a)
{
    state_->log.push(std::move(a));
}
void authorization_server::always(answer a)
{
    state_->log.always(std::move(a));
}
void authorization_server::unscript()
{
    state_->log.unscript();
}

void authorization_server::forget_sessions()
{
    state_->forget_sessions();
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
