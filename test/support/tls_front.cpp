#include "tls_front.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <utility>

namespace test
{

namespace asio = boost::asio;
using asio::awaitable;
using asio::use_awaitable;
using asio::ip::tcp;

struct tls_front::connection
{
    connection(tcp::socket from, asio::ssl::context& context)
        : client(std::move(from), context)
        , server(client.get_executor())
    {
    }

    asio::ssl::stream<tcp::socket> client;
    tcp::socket server;
};

namespace
{

// Any certificate is as good as none.
int accept_any(int, X509_STORE_CTX*)
{
    return 1;
}

template <class From, class To>
awaitable<void> pass_on([[maybe_unused]] std::shared_ptr<void> owner, From& from, To& to)
{
    std::array<char, 4096> bytes;
    boost::system::error_code ended;
    while (!ended)
    {
        std::size_t const size = co_await from.async_read_some(
            asio::buffer(bytes), asio::redirect_error(use_awaitable, ended));
        if (!ended)
            co_await asio::async_write(
                to, asio::buffer(bytes, size), asio::redirect_error(use_awaitable, ended));
    }
    boost::system::error_code ignored;
    from.lowest_layer().shutdown(tcp::socket::shutdown_both, ignored);
    to.lowest_layer().shutdown(tcp::socket::shutdown_both, ignored);
}

} // namespace

tls_front::tls_front(std::uint16_t leads_to, server_certificate kind)
    : leads_to_(leads_to)
    , acceptor_(context_, {asio::ip::address_v4::loopback(), 0})
{
    coauth::testing::server_options made;
    use_certificate(made, kind);
    ca_pem_ = made.ca_pem;
    tls_.use_certificate_chain(asio::buffer(made.certificate_pem));
    tls_.use_private_key(asio::buffer(made.key_pem), asio::ssl::context::pem);
    auto* const context = tls_.native_handle();
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, accept_any);
    constexpr std::array<unsigned char, 1> id = {'f'};
    SSL_CTX_set_session_id_context(context, id.data(), id.size());
    asio::co_spawn(context_, accept(), asio::detached);
    thread_ = std::thread([this] { context_.run(); });
}

tls_front::~tls_front()
{
    context_.stop();
    thread_.join();
}

std::string tls_front::url() const
{
    return "https://localhost:" + std::to_string(acceptor_.local_endpoint().port());
}

std::vector<tls_front::handshake> tls_front::handshakes() const
{
    std::lock_guard const lock(mutex_);
    return handshakes_;
}

awaitable<void> tls_front::accept()
{
    for (;;)
    {
        auto socket = co_await acceptor_.async_accept(use_awaitable);
        auto one = std::make_shared<connection>(std::move(socket), tls_);
        asio::co_spawn(context_, serve(std::move(one)), asio::detached);
    }
}

awaitable<void> tls_front::serve(std::shared_ptr<connection> one)
{
    auto& client = one->client;
    client.next_layer().set_option(tcp::no_delay(true));
    boost::system::error_code failed;
    co_await client.async_handshake(
        asio::ssl::stream_base::server, asio::redirect_error(use_awaitable, failed));
    if (failed)
        co_return;
    {
        auto* const ssl = client.native_handle();
        char const* const name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
        std::lock_guard const lock(mutex_);
        handshakes_.push_back(
            {name != nullptr ? name : "", SSL_session_reused(ssl) == 1,
             SSL_get0_peer_certificate(ssl) != nullptr});
    }
    tcp::endpoint const there(asio::ip::address_v4::loopback(), leads_to_);
    co_await one->server.async_connect(there, asio::redirect_error(use_awaitable, failed));
    if (failed)
        co_return;
    one->server.set_option(tcp::no_delay(true));
    asio::co_spawn(context_, pass_on(one, one->server, one->client), asio::detached);
    co_await pass_on(one, one->client, one->server);
}

} // namespace test
