#include "net/tls_engine.hpp"

#include "crypto/openssl_error.hpp"
#include "net/fork_generation.hpp"
#include "net/socket_calls.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>

namespace coauth::net
{
namespace
{

// A peer can request a response with every few bytes (KeyUpdate, HelloRequest), and each costs a
// system call. After this many, other handlers have their turn.
constexpr int max_writes_without_read = 16;

// For each HTTP request. A signature costs up to a millisecond: a server must not request them
// without end.
constexpr int max_authentication_requests = 1;

} // namespace

// An engine within another one calls OpenSSL from a callback of OpenSSL. There the errors of the
// inner call must not count, and they must still be there when it ends.
class tls_engine::errors_kept
{
public:
    errors_kept() : code_(ERR_peek_error())
    {
        if (code_ != 0)
            ERR_clear_error();
    }
    ~errors_kept()
    {
        ERR_clear_error();
        if (code_ == 0)
            return;
        ERR_new();
        ERR_set_error(ERR_GET_LIB(code_), ERR_GET_REASON(code_), nullptr);
    }
    errors_kept(errors_kept const&) = delete;
    errors_kept& operator=(errors_kept const&) = delete;

private:
    unsigned long code_;
};

// OpenSSL calls them to send and to receive.
struct tls_engine::bio_callbacks
{
    static tls_engine& of(BIO* bio) { return *static_cast<tls_engine*>(BIO_get_data(bio)); }

    static int write(BIO* bio, char const* data, int size)
    {
        auto& self = of(bio);
        BIO_clear_retry_flags(bio);
        ++self.writes_since_read_;
        if (self.authentication_requests_ > max_authentication_requests || self.belongs_to_parent())
        {
            self.system_error_ = ECONNABORTED;
            return -1;
        }
        if (self.outer_)
            return self.write_to_outer(bio, data, size);
        // Never SIGPIPE, which OpenSSL's own socket BIO would raise.
        auto const sent = ::send(self.socket_, data, static_cast<std::size_t>(size), send_flags);
        if (sent >= 0)
            return static_cast<int>(sent);
        if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)
            BIO_set_retry_write(bio);
        else
            self.system_error_ = errno;
        return -1;
    }

    static int read(BIO* bio, char* data, int size)
    {
        auto& self = of(bio);
        BIO_clear_retry_flags(bio);
        if (self.outer_)
            return self.read_from_outer(bio, data, size);
        // OpenSSL does not learn of an end without close_notify: it would not resume the session.
        auto const available = self.input_end_ - self.input_begin_;
        if (available == 0 || self.writes_since_read_ >= max_writes_without_read)
        {
            BIO_set_retry_read(bio);
            return -1;
        }
        auto const copied = std::min(available, static_cast<std::size_t>(size));
        std::memcpy(data, self.input_.data() + self.input_begin_, copied);
        self.input_begin_ += copied;
        return static_cast<int>(copied);
    }

    // Called before a record is sent, such as the alert that follows a lack of memory; OpenSSL
    // resets errno after it.
    static void on_message(
        int outgoing, int, int type, void const* message, std::size_t size, SSL* ssl, void* engine)
    {
        auto& self = *static_cast<tls_engine*>(engine);
        self.lacked_memory_ = self.lacked_memory_ || errno == ENOMEM;
        if (outgoing != 0 || type != SSL3_RT_HANDSHAKE || size == 0 || !self.handshake_done_)
            return;
        auto const kind = *static_cast<unsigned char const*>(message);
        bool const tls_1_3 = SSL_version(ssl) == TLS1_3_VERSION;
        if (kind != (tls_1_3 ? SSL3_MT_CERTIFICATE_REQUEST : SSL3_MT_HELLO_REQUEST))
            return;
        // Further requests for renegotiation get an alert in response, as all without a
        // certificate.
        if (++self.authentication_requests_ > max_authentication_requests && !tls_1_3)
        {
            SSL_set_options(ssl, SSL_OP_NO_RENEGOTIATION);
            self.authentication_requests_ = max_authentication_requests;
        }
    }

    static long control(BIO*, int command, long, void*)
    {
        return command == BIO_CTRL_FLUSH ? 1 : 0;
    }

    static BIO_METHOD* make_method()
    {
        // Without an index of its own: nobody looks it up, and OpenSSL never recovers if it has no
        // memory for the first one.
        BIO_METHOD* const method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "coauth");
        if (method != nullptr)
        {
            BIO_meth_set_write(method, write);
            BIO_meth_set_read(method, read);
            BIO_meth_set_ctrl(method, control);
        }
        return method;
    }

    // One for the process. Null without memory; the next call tries again.
    static BIO_METHOD* method()
    {
        static std::atomic<BIO_METHOD*> shared{nullptr};
        BIO_METHOD* existing = shared.load();
        if (existing != nullptr)
            return existing;
        BIO_METHOD* const created = make_method();
        if (created == nullptr || shared.compare_exchange_strong(existing, created))
            return created;
        BIO_meth_free(created);
        return existing;
    }
};

tls_engine::tls_engine(std::shared_ptr<tls_context> context)
    : context_(std::move(context))
    , fork_generation_(current_fork_generation())
{
}

bool tls_engine::belongs_to_parent() const noexcept
{
    return fork_generation_ != current_fork_generation();
}

result<void> tls_engine::use_certificate(certificate_chain const& own)
{
    uses_certificate_ = true;
    SSL_set_post_handshake_auth(ssl_, 1);
    SSL_clear_options(ssl_, SSL_OP_NO_RENEGOTIATION);
    return own.use_for(ssl_);
}

std::unique_ptr<tls_engine>
tls_engine::make(std::shared_ptr<tls_context> context, int socket, std::string peer)
{
    std::unique_ptr<tls_engine> engine(new tls_engine(std::move(context)));
    engine->socket_ = socket;
    return start(std::move(engine), std::move(peer));
}

std::unique_ptr<tls_engine> tls_engine::make_within(
    std::unique_ptr<tls_engine> outer, std::shared_ptr<tls_context> context, std::string peer)
{
    std::unique_ptr<tls_engine> engine(new tls_engine(std::move(context)));
    engine->outer_ = std::move(outer);
    return start(std::move(engine), std::move(peer));
}

std::unique_ptr<tls_engine> tls_engine::start(std::unique_ptr<tls_engine> engine, std::string peer)
{
    crypto::clear_errors();
    engine->ssl_ = SSL_new(engine->context_->native());
    BIO_METHOD* const method = bio_callbacks::method();
    BIO* const bio = method != nullptr ? BIO_new(method) : nullptr;
    if (engine->ssl_ == nullptr || bio == nullptr)
    {
        BIO_free(bio);
        return nullptr;
    }
    BIO_set_data(bio, engine.get());
    BIO_set_init(bio, 1);
    SSL_set_bio(engine->ssl_, bio, bio);
    // The mode first: OpenSSL 3.5 passes it to the record layer.
    SSL_set_mode(engine->ssl_, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_set_connect_state(engine->ssl_);
    // Neither reports that there was no memory for the record layer.
    if (crypto::is_out_of_memory())
        return nullptr;
    SSL_set_msg_callback(engine->ssl_, bio_callbacks::on_message);
    SSL_set_msg_callback_arg(engine->ssl_, engine.get());
    engine->session_key_.peer = std::move(peer);
    engine->context_->attach(engine->ssl_, engine->session_key_);
    return engine;
}

tls_engine::~tls_engine()
{
    if (ssl_ == nullptr)
        return;
    // A close_notify in OpenSSL's state alone: without it the session could not be resumed, and
    // waiting for the peer's could take forever.
    SSL_set_quiet_shutdown(ssl_, 1);
    SSL_shutdown(ssl_);
    SSL_free(ssl_);
    ERR_clear_error();
}

void tls_engine::begin_request() noexcept
{
    if (authentication_requests_ == 0 || !uses_certificate_)
        return;
    authentication_requests_ = 0;
    SSL_clear_options(ssl_, SSL_OP_NO_RENEGOTIATION);
}

// Only the subject alternative names count (RFC 9525).
bool tls_engine::set_verify_host(std::string const& host, bool ip_literal)
{
    X509_VERIFY_PARAM* const parameters = SSL_get0_param(ssl_);
    X509_VERIFY_PARAM_set_hostflags(
        parameters, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    crypto::clear_errors();
    // The dot of a fully qualified name is neither in SNI (RFC 6066 section 3) nor in certificates.
    std::string const name = host.ends_with('.') ? host.substr(0, host.size() - 1) : host;
    // Without a name, OpenSSL would accept any name.
    if (name.empty())
    {
        failure_ = boost::asio::error::invalid_argument;
        return false;
    }
    // SNI carries names only (RFC 6066 section 3).
    bool const set = ip_literal
                         ? X509_VERIFY_PARAM_set1_ip_asc(parameters, host.c_str()) == 1
                         : X509_VERIFY_PARAM_set1_host(parameters, name.data(), name.size()) == 1 &&
                               SSL_set_tlsext_host_name(ssl_, name.c_str()) == 1;
    if (!set)
        failure_ = crypto::is_out_of_memory() ? boost::asio::error::no_memory
                                              : boost::asio::error::invalid_argument;
    return set;
}

void tls_engine::begin_step()
{
    writes_since_read_ = 0;
    if (outer_)
        outer_->begin_step();
}

void tls_engine::begin_call()
{
    lacked_memory_ = false;
    outer_step_ = step::done;
    crypto::clear_errors();
}

tls_engine::step tls_engine::handshake()
{
    begin_step();
    begin_call();
    auto const last = end_call(SSL_do_handshake(ssl_));
    handshake_done_ = last == step::done;
    return last;
}

tls_engine::step tls_engine::write(std::string_view& bytes)
{
    while (!bytes.empty())
    {
        std::size_t written = 0;
        begin_call();
        int const returned = SSL_write_ex(ssl_, bytes.data(), bytes.size(), &written);
        if (returned != 1)
            return end_call(returned);
        bytes.remove_prefix(written);
    }
    return step::done;
}

tls_engine::step tls_engine::read(std::span<char> buffer, std::size_t& size)
{
    begin_step();
    return read_step(buffer, size);
}

tls_engine::step tls_engine::read_step(std::span<char> buffer, std::size_t& size)
{
    size = 0;
    // OpenSSL takes long to find out that there is nothing to read.
    if (!pending() && !wants_write_)
        return step::want_read;
    begin_call();
    return end_call(SSL_read_ex(ssl_, buffer.data(), buffer.size(), &size));
}

int tls_engine::read_from_outer(BIO* bio, char* data, int size)
{
    errors_kept const mine;
    std::size_t received = 0;
    // As from a socket: other handlers have their turn.
    outer_step_ = writes_since_read_ >= max_writes_without_read
                      ? step::want_write
                      : outer_->read_step({data, static_cast<std::size_t>(size)}, received);
    if (outer_step_ == step::done)
        return static_cast<int>(received);
    if (outer_step_ != step::failed)
        BIO_set_retry_read(bio);
    return -1;
}

int tls_engine::write_to_outer(BIO* bio, char const* data, int size)
{
    errors_kept const mine;
    std::string_view rest(data, static_cast<std::size_t>(size));
    outer_step_ = outer_->write(rest);
    if (auto const written = size - static_cast<int>(rest.size()); written != 0)
        return written;
    if (outer_step_ == step::want_write)
        BIO_set_retry_write(bio);
    else
        system_error_ = ECONNRESET;
    return -1;
}

bool tls_engine::pending() const
{
    return input_begin_ != input_end_ || eof_ || SSL_has_pending(ssl_) == 1 ||
           (outer_ && outer_->pending());
}

bool tls_engine::within_record() const
{
    // "RB" is "read body": the header of the record is no longer in the buffer.
    return pending() || SSL_rstate_string(ssl_)[1] == 'B' || (outer_ && outer_->within_record());
}

// OpenSSL wants input: whether there is none, or only other handlers have their turn.
tls_engine::step tls_engine::wait_for_input() const
{
    if (outer_ && outer_step_ == step::end)
        return step::truncated;
    if (outer_)
        return outer_step_ == step::done ? step::want_write : outer_step_;
    if (input_begin_ != input_end_)
        return step::want_write;
    return eof_ ? step::truncated : step::want_read;
}

tls_engine::step tls_engine::end_call(int returned)
{
    wants_write_ = false;
    if (returned == 1)
        return step::done;
    switch (SSL_get_error(ssl_, returned))
    {
    case SSL_ERROR_WANT_READ:
    {
        auto const next = wait_for_input();
        wants_write_ = next == step::want_write;
        return next;
    }
    case SSL_ERROR_WANT_WRITE:
        wants_write_ = true;
        return step::want_write;
    case SSL_ERROR_ZERO_RETURN:
        return step::end;
    default:
        break;
    }
    if (outer_failed())
    {
        failure_ = outer_->failure();
        return step::failed;
    }
    if (system_error_ != 0)
    {
        failure_ = {system_error_, boost::system::system_category()};
        return step::failed;
    }
    auto const code = ERR_peek_error();
    // OpenSSL 3.5 may lack memory and leave no error.
    bool const lacked_memory = crypto::is_out_of_memory() || lacked_memory_;
    if (code == 0 && !lacked_memory)
        return step::truncated;
    failure_ = {static_cast<int>(code), boost::asio::error::get_ssl_category()};
    if (lacked_memory)
        failure_ = boost::asio::error::no_memory;
    return step::failed;
}

std::span<char> tls_engine::input_buffer()
{
    if (outer_)
        return outer_->input_buffer();
    // OpenSSL wants more only when it has consumed everything.
    input_begin_ = input_end_ = 0;
    return input_;
}

void tls_engine::commit_input(std::size_t size)
{
    if (outer_)
        outer_->commit_input(size);
    else
        input_end_ = size;
}

void tls_engine::commit_eof()
{
    if (outer_)
        outer_->commit_eof();
    else
        eof_ = true;
}

bool tls_engine::resumed() const
{
    return SSL_session_reused(ssl_) == 1;
}

long tls_engine::verify_result() const
{
    return SSL_get_verify_result(ssl_);
}

} // namespace coauth::net
