// A Boost.Beast coroutine in the style of Beast's examples: no time limits, no checks except those
// of TLS. The reference of the comparison.

#include "common.hpp"
#include "token_document.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include <deque>
#include <memory>
#include <optional>

namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;
namespace http = boost::beast::http;
using asio::use_awaitable;
using asio::ip::tcp;

namespace
{

// Tickets of earlier connections. In TLS 1.3 each should be used once.
class ticket_store
{
public:
    static constexpr std::size_t most = 1024;

    explicit ticket_store(SSL_CTX* context)
    {
        SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
        SSL_CTX_set_ex_data(context, index(), this);
        SSL_CTX_sess_set_new_cb(
            context,
            [](SSL* from, SSL_SESSION* ticket)
            {
                auto* const self =
                    static_cast<ticket_store*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(from), index()));
                self->tickets_.emplace_back(ticket, &SSL_SESSION_free);
                if (self->tickets_.size() > most)
                    self->tickets_.pop_front();
                return 1;
            });
    }

    void offer(SSL* to)
    {
        if (tickets_.empty())
            return;
        SSL_set_session(to, tickets_.back().get());
        tickets_.pop_back();
    }

private:
    // Asio uses the application data itself.
    static int index()
    {
        static int const found = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
        return found;
    }

    std::deque<std::unique_ptr<SSL_SESSION, decltype(&SSL_SESSION_free)>> tickets_;
};

class connection
{
public:
    connection(
        asio::io_context& context, ssl::context& tls, ticket_store* tickets,
        bench::options const& opts)
        : context_(context)
        , tls_(tls)
        , tickets_(tickets)
        , opts_(opts)
        , request_(http::verb::post, opts.path, 11)
    {
        request_.set(http::field::host, opts.host + ":" + opts.port);
        request_.set(http::field::user_agent, "bench");
        request_.set(http::field::accept, "application/json");
        request_.set(http::field::authorization, bench::authorization);
        request_.set(http::field::content_type, "application/x-www-form-urlencoded");
        request_.keep_alive(opts.mode == bench::connections::keep_alive);
        request_.body() = bench::form;
        request_.prepare_payload();
    }

    asio::awaitable<bench::token_document> fetch()
    {
        if (!stream_)
            co_await open();
        co_await http::async_write(*stream_, request_, use_awaitable);
        http::response<http::string_body> response;
        co_await http::async_read(*stream_, buffer_, response, use_awaitable);
        if (response.result() != http::status::ok)
            throw std::runtime_error("the server refused");
        if (opts_.mode != bench::connections::keep_alive)
            close();
        co_return bench::parse_token(response.body());
    }

private:
    asio::awaitable<void> open()
    {
        stream_.emplace(context_, tls_);
        stream_->set_verify_callback(ssl::host_name_verification(opts_.host));
        if (tickets_ != nullptr)
            tickets_->offer(stream_->native_handle());
        tcp::endpoint const server(
            asio::ip::make_address(opts_.host), static_cast<std::uint16_t>(std::stoul(opts_.port)));
        co_await stream_->next_layer().async_connect(server, use_awaitable);
        stream_->next_layer().set_option(tcp::no_delay(true));
        co_await stream_->async_handshake(ssl::stream_base::client, use_awaitable);
    }

    // Without this OpenSSL would not resume the session, since no close_notify was sent.
    void close()
    {
        SSL_set_quiet_shutdown(stream_->native_handle(), 1);
        SSL_shutdown(stream_->native_handle());
        stream_.reset();
        buffer_.clear();
    }

    asio::io_context& context_;
    ssl::context& tls_;
    ticket_store* tickets_;
    bench::options const& opts_;
    http::request<http::string_body> request_;
    std::optional<ssl::stream<tcp::socket>> stream_;
    boost::beast::flat_buffer buffer_;
};

asio::awaitable<void> work(connection& with, bench::load& load)
{
    while (load.next())
    {
        auto const began = bench::clock::now();
        auto token = co_await with.fetch();
        bench::check(token.access_token, token.token_type);
        load.done(began);
    }
}

void trust(ssl::context& tls, bench::options const& opts)
{
    tls.set_verify_mode(ssl::verify_peer);
    tls.load_verify_file(opts.ca_file);
    if (opts.system_trust)
        tls.set_default_verify_paths();
}

void run(asio::io_context& context, std::deque<connection>& connections, bench::load& load)
{
    for (auto& with : connections)
        asio::co_spawn(
            context, work(with, load),
            [](std::exception_ptr const& failure)
            {
                if (failure)
                    std::rethrow_exception(failure);
            });
    context.run();
    context.restart();
}

} // namespace

int main(int argc, char** argv)
{
    return bench::report_failure(
        [&]
        {
            auto const opts = bench::parse(argc, argv);
            asio::io_context context(1);
            ssl::context tls(ssl::context::tls_client);
            trust(tls, opts);
            std::optional<ticket_store> tickets;
            if (opts.mode == bench::connections::resumed)
                tickets.emplace(tls.native_handle());
            std::deque<connection> connections;
            for (std::size_t i = 0; i < opts.in_flight; ++i)
                connections.emplace_back(context, tls, tickets ? &*tickets : nullptr, opts);
            bench::measure(
                "beast", opts, [&](bench::load& load) { run(context, connections, load); });
        });
}
