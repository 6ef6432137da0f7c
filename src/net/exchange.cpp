#include "net/exchange.hpp"

#include "net/response_reader.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <optional>
#include <utility>
#include <vector>

namespace coauth::net
{
namespace
{

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using std::chrono::steady_clock;

// Named in full: a type-erased strand costs an allocation for each copy, and its reference count
// leans on a fence that TSan does not model.
using strand_type = asio::strand<asio::any_io_executor>;
using socket_type = asio::basic_stream_socket<tcp, strand_type>;
using resolver_type = asio::ip::basic_resolver<tcp, strand_type>;
using timer_type =
    asio::basic_waitable_timer<steady_clock, asio::wait_traits<steady_clock>, strand_type>;
using stream_type = asio::ssl::stream<socket_type&>;
template <class T>
using awaitable = asio::awaitable<T, strand_type>;

constexpr auto use_tuple = asio::as_tuple(asio::use_awaitable_t<strand_type>());

// A name lookup runs in a thread that cannot be interrupted: whoever waits for it may leave, and it
// ends into this state, which nobody may look at any more.
struct pending_lookup
{
    explicit pending_lookup(strand_type const& strand) : resolver(strand) {}

    resolver_type resolver;
    std::vector<tcp::endpoint> endpoints;
    error_code failure;
    bool done = false;
};

class tls_exchange final : public exchange, public std::enable_shared_from_this<tls_exchange>
{
public:
    tls_exchange(asio::any_io_executor const& executor, exchange_plan plan)
        : plan_(std::move(plan))
        , strand_(asio::make_strand(executor))
        , socket_(strand_)
        , deadline_(strand_)
        , wake_(strand_)
        , began_(steady_clock::now())
    {
    }

    void begin(handler done) override
    {
        // Asio 1.26: the move assignment of this type calls itself for ever.
        done_.swap(done);
        asio::post(strand_, [self = shared_from_this()] { self->run(); });
    }

    void abort(errc why) override
    {
        asio::post(
            strand_,
            [weak = weak_from_this(), why]
            {
                if (auto const self = weak.lock())
                    self->abort_here(why);
            });
    }

private:
    void run()
    {
        deadline_.expires_at(began_ + plan_.timeout);
        deadline_.async_wait(
            [weak = weak_from_this()](error_code ec)
            {
                auto const self = weak.lock();
                if (!ec && self)
                    self->abort_here(errc::timeout);
            });
        asio::co_spawn(
            strand_, phases(shared_from_this()),
            [self = shared_from_this()](std::exception_ptr const& failure)
            { self->end(failure != nullptr); });
    }

    void abort_here(errc why)
    {
        if (aborted_ || ended_)
            return;
        aborted_ = why;
        wake_.cancel();
        close();
    }

    void close()
    {
        error_code ignored;
        socket_.close(ignored);
    }

    void end(bool out_of_memory)
    {
        ended_ = true;
        deadline_.cancel();
        close();
        if (out_of_memory)
            return done_(error(errc::out_of_memory));
        if (failure_)
            return done_(std::move(*failure_));
        outcome_.answer = reader_->take();
        done_(std::move(outcome_));
    }

    // Each phase yields whether the next one may begin; a failed one has set `failure_`.
    static awaitable<void> phases(std::shared_ptr<tls_exchange> self)
    {
        bool ok = co_await self->lookup();
        if (ok)
            ok = co_await self->connect();
        if (ok && self->plan_.tls)
            ok = co_await self->handshake();
        if (ok)
            ok = co_await self->send();
        if (ok)
            co_await self->receive();
    }

    awaitable<bool> lookup()
    {
        enter(phase::lookup);
        error_code ec;
        if (aborted_)
            co_return fail(*aborted_, {}, {});
        if (plan_.ip_literal)
        {
            auto const address = asio::ip::make_address(plan_.host, ec);
            endpoints_.emplace_back(address, port_number());
        }
        else
            ec = co_await lookup_name();
        if (!ec && !aborted_)
            co_return leave();
        co_return fail(
            errc::resolve_failed,
            "the host name '" + plan_.host +
                "' of the token endpoint was not resolved; check its "
                "spelling and this machine's name service",
            ec);
    }

    awaitable<error_code> lookup_name()
    {
        auto const pending = std::make_shared<pending_lookup>(strand_);
        pending->resolver.async_resolve(
            plan_.host, plan_.port,
            [pending,
             weak = weak_from_this()](error_code ec, resolver_type::results_type const& found)
            {
                pending->failure = ec;
                for (auto const& entry : found)
                    pending->endpoints.push_back(entry.endpoint());
                pending->done = true;
                if (auto const self = weak.lock())
                    self->wake_.cancel();
            });
        wake_.expires_at(steady_clock::time_point::max());
        while (!pending->done && !aborted_)
            co_await wake_.async_wait(use_tuple);
        if (pending->done)
            endpoints_ = std::move(pending->endpoints);
        co_return pending->failure;
    }

    awaitable<bool> connect()
    {
        enter(phase::connect);
        error_code ec = asio::error::host_not_found;
        for (auto const& endpoint : endpoints_)
        {
            if (aborted_)
                break;
            close();
            std::tie(ec) = co_await socket_.async_connect(endpoint, use_tuple);
            if (!ec)
                break;
            last_failure_ = ec;
        }
        if (ec || aborted_)
            co_return fail(
                errc::connect_failed,
                "no connection to " + peer() + "; check host, port, and whether the server runs",
                ec);
        error_code ignored;
        socket_.set_option(tcp::no_delay(true), ignored);
        co_return leave();
    }

    awaitable<bool> handshake()
    {
        enter(phase::tls);
        stream_.emplace(socket_, *plan_.tls);
        error_code ec;
        if (expect_server())
            std::tie(ec) =
                co_await stream_->async_handshake(asio::ssl::stream_base::client, use_tuple);
        else
            ec = asio::error::invalid_argument;
        if (!ec && !aborted_)
            co_return leave();
        co_return fail_handshake(ec);
    }

    // Host name or address, and nothing but the subject alternative names count (RFC 9525).
    bool expect_server()
    {
        SSL* const ssl = stream_->native_handle();
        X509_VERIFY_PARAM* const expected = SSL_get0_param(ssl);
        X509_VERIFY_PARAM_set_hostflags(
            expected, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
        // SNI carries names only (RFC 6066 section 3).
        if (plan_.ip_literal)
            return X509_VERIFY_PARAM_set1_ip_asc(expected, plan_.host.c_str()) == 1;
        return X509_VERIFY_PARAM_set1_host(expected, plan_.host.data(), plan_.host.size()) == 1 &&
               SSL_set_tlsext_host_name(ssl, plan_.host.c_str()) == 1;
    }

    bool fail_handshake(error_code ec)
    {
        long const verdict = SSL_get_verify_result(stream_->native_handle());
        if (verdict != X509_V_OK)
            return fail(errc::certificate_rejected, rejection(verdict), {});
        if (ec == asio::error::eof || ec == asio::ssl::error::stream_truncated ||
            ec.category() == asio::error::get_system_category())
            return fail(
                errc::connection_lost, peer() + " ended the connection during the TLS handshake",
                ec);
        return fail(
            errc::tls_failed,
            "no TLS connection to " + peer() +
                "; check that it speaks TLS 1.2 or later on this port",
            ec);
    }

    [[nodiscard]] std::string rejection(long verdict) const
    {
        std::string subject = "the certificate of " + peer() +
                              " was rejected: " + X509_verify_cert_error_string(verdict);
        switch (verdict)
        {
        case X509_V_ERR_HOSTNAME_MISMATCH:
        case X509_V_ERR_IP_ADDRESS_MISMATCH:
            return subject + "; it was not issued for this host: check the host in the token "
                             "endpoint";
        case X509_V_ERR_CERT_HAS_EXPIRED:
        case X509_V_ERR_CERT_NOT_YET_VALID:
            return subject + "; the server needs a current one, or this machine's clock is wrong";
        case X509_V_ERR_CERT_REVOKED:
            return subject + "; do not use this server until it has a new one";
        case X509_V_ERR_UNABLE_TO_GET_CRL:
            return subject + "; tls.crl_pem must cover every certificate of the chain";
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
        case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
            return subject + "; if the server uses a private CA, give its certificate in "
                             "tls.ca_file or tls.ca_pem";
        default:
            return subject;
        }
    }

    awaitable<bool> send()
    {
        enter(phase::request);
        outcome_.sent = std::chrono::system_clock::now();
        outcome_.sent_steady = steady_clock::now();
        auto const bytes = asio::buffer(plan_.request.view().data(), plan_.request.size());
        error_code ec;
        std::size_t size = 0;
        if (stream_)
            std::tie(ec, size) = co_await asio::async_write(*stream_, bytes, use_tuple);
        else
            std::tie(ec, size) = co_await asio::async_write(socket_, bytes, use_tuple);
        plan_.request.clear();
        if (!ec && !aborted_)
            co_return leave();
        co_return fail(
            errc::connection_lost, "the connection to " + peer() + " broke during the request", ec);
    }

    awaitable<bool> receive()
    {
        enter(phase::answer);
        reader_.emplace(plan_.limits);
        auto state = response_reader::state::more;
        error_code ec;
        while (state == response_reader::state::more && !aborted_)
        {
            auto const space = reader_->prepare();
            auto const into = asio::buffer(space.data(), space.size());
            std::size_t size = 0;
            if (stream_)
                std::tie(ec, size) = co_await stream_->async_read_some(into, use_tuple);
            else
                std::tie(ec, size) = co_await socket_.async_read_some(into, use_tuple);
            if (size != 0)
                state = reader_->commit(size);
            else if (ec)
                state = reader_->finish(ec == asio::error::eof);
        }
        quiet_shutdown();
        if (state == response_reader::state::complete && !aborted_)
            co_return leave();
        co_return fail_answer(ec);
    }

    bool fail_answer(error_code ec)
    {
        if (aborted_)
            return fail(*aborted_, {}, ec);
        if (is_tls_failure(ec))
            return fail(errc::tls_failed, "the TLS connection to " + peer() + " failed", ec);
        auto const& why = reader_->failure();
        return fail(
            why.value(), peer() + ": " + std::string(why.context()),
            why.cause() ? why.cause() : ec);
    }

    static bool is_tls_failure(error_code ec)
    {
        return ec.category() == asio::error::get_ssl_category();
    }

    // Says goodbye in OpenSSL's books alone: without it the session would not be resumable, and
    // waiting for the peer's goodbye could take for ever.
    void quiet_shutdown()
    {
        if (!stream_)
            return;
        SSL_set_quiet_shutdown(stream_->native_handle(), 1);
        SSL_shutdown(stream_->native_handle());
    }

    void enter(phase what)
    {
        phase_ = what;
        phase_began_ = steady_clock::now();
    }

    bool leave()
    {
        report({});
        return true;
    }

    bool fail(errc code, std::string context, error_code cause)
    {
        error_info info;
        info.context = std::move(context);
        info.cause = cause;
        info.attempts = phase_ >= phase::request ? 1 : 0;
        if (aborted_)
        {
            code = *aborted_;
            info.context = abort_context();
            info.cause = last_failure_;
        }
        failure_ = error(code, std::move(info));
        report(failure_->cause() ? failure_->cause() : failure_->code());
        return false;
    }

    [[nodiscard]] std::string abort_context() const
    {
        std::string const where =
            " (" + peer() + ", phase: " + std::string(to_string(phase_)) + ")";
        if (*aborted_ == errc::timeout)
            return "no answer within " + std::to_string(plan_.timeout.count()) + " ms" + where;
        return "it was given up before it was done" + where;
    }

    void report(error_code failure) const
    {
        if (!plan_.observer)
            return;
        phase_ended const event{
            phase_, phase_began_ - began_, steady_clock::now() - phase_began_, failure};
        try
        {
            plan_.observer->on_phase_ended(event);
        }
        catch (...) // NOLINT(bugprone-empty-catch): documented
        {
        }
    }

    [[nodiscard]] std::string peer() const
    {
        bool const brackets = plan_.host.find(':') != std::string::npos;
        return (brackets ? "[" + plan_.host + "]" : plan_.host) + ":" + plan_.port;
    }

    [[nodiscard]] std::uint16_t port_number() const
    {
        return static_cast<std::uint16_t>(std::stoul(plan_.port));
    }

    exchange_plan plan_;
    handler done_;
    strand_type strand_;
    socket_type socket_;
    timer_type deadline_;
    // Cancelled when the lookup ends or is given up; never expires.
    timer_type wake_;
    std::optional<stream_type> stream_;
    std::optional<response_reader> reader_;
    std::vector<tcp::endpoint> endpoints_;
    std::optional<errc> aborted_;
    bool ended_ = false;
    std::optional<error> failure_;
    error_code last_failure_;
    exchange_outcome outcome_;
    steady_clock::time_point began_;
    phase phase_ = phase::lookup;
    steady_clock::time_point phase_began_;
};

} // namespace

std::shared_ptr<exchange> exchange::make(asio::any_io_executor const& executor, exchange_plan plan)
{
    return std::make_shared<tls_exchange>(executor, std::move(plan));
}

} // namespace coauth::net
