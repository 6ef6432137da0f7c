#include "net/tls_engine.hpp"

#include "crypto/openssl_memory.hpp"

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
#include <sys/socket.h>

namespace coauth::net
{
namespace
{

// A peer may ask for a response with each few bytes (KeyUpdate, HelloRequest), and each costs a
// system call: after so many the event loop is let go.
constexpr int most_sent = 16;

} // namespace

// What OpenSSL calls to send and to receive.
struct tls_engine::access
{
    static tls_engine& of(BIO* bio) { return *static_cast<tls_engine*>(BIO_get_data(bio)); }

    static int write(BIO* bio, char const* data, int size)
    {
        auto& self = of(bio);
        BIO_clear_retry_flags(bio);
        ++self.sent_;
        // Never SIGPIPE, which OpenSSL's own socket BIO would raise.
        auto const sent = ::send(self.socket_, data, static_cast<std::size_t>(size), MSG_NOSIGNAL);
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
        // It is not told of an end without a goodbye: it would never resume the session again.
        auto const there = self.input_end_ - self.input_begin_;
        if (there == 0 || self.sent_ >= most_sent)
        {
            BIO_set_retry_read(bio);
            return -1;
        }
        auto const taken = std::min(there, static_cast<std::size_t>(size));
        std::memcpy(data, self.input_.data() + self.input_begin_, taken);
        self.input_begin_ += taken;
        return static_cast<int>(taken);
    }

    // Before a record is sent, which may be the alert that follows from a lack of memory: OpenSSL
    // then sets errno back.
    static void look(int, int, int, void const*, std::size_t, SSL*, void* self)
    {
        auto& lacked = static_cast<tls_engine*>(self)->lacked_memory_;
        lacked = lacked || errno == ENOMEM;
    }

    static long control(BIO*, int command, long, void*)
    {
        return command == BIO_CTRL_FLUSH ? 1 : 0;
    }

    static BIO_METHOD* make_method()
    {
        // No index of its own: nobody looks for it, and OpenSSL keeps a failure to make the first.
        BIO_METHOD* const method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "coauth");
        if (method != nullptr)
        {
            BIO_meth_set_write(method, write);
            BIO_meth_set_read(method, read);
            BIO_meth_set_ctrl(method, control);
        }
        return method;
    }

    // Made once for the process; null: there was no memory, and the next tries again.
    static BIO_METHOD* method()
    {
        static std::atomic<BIO_METHOD*> kept{nullptr};
        BIO_METHOD* known = kept.load();
        if (known != nullptr)
            return known;
        BIO_METHOD* const made = make_method();
        if (made == nullptr || kept.compare_exchange_strong(known, made))
            return made;
        BIO_meth_free(made);
        return known;
    }
};

tls_engine::tls_engine(std::shared_ptr<tls_context> context) : context_(std::move(context)) {}

std::unique_ptr<tls_engine>
tls_engine::make(std::shared_ptr<tls_context> context, int socket, std::string peer)
{
    std::unique_ptr<tls_engine> made(new tls_engine(std::move(context)));
    made->socket_ = socket;
    made->ssl_ = SSL_new(made->context_->native());
    BIO_METHOD* const method = access::method();
    BIO* const bio = method != nullptr ? BIO_new(method) : nullptr;
    if (made->ssl_ == nullptr || bio == nullptr)
    {
        BIO_free(bio);
        return nullptr;
    }
    BIO_set_data(bio, made.get());
    BIO_set_init(bio, 1);
    SSL_set_bio(made->ssl_, bio, bio);
    // First the mode: OpenSSL 3.5 gives it to the record layer, which there may be no memory for.
    SSL_set_mode(made->ssl_, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_set_connect_state(made->ssl_);
    SSL_set_msg_callback(made->ssl_, access::look);
    SSL_set_msg_callback_arg(made->ssl_, made.get());
    made->owner_ = {made->context_.get(), std::move(peer)};
    made->context_->attach(made->ssl_, made->owner_);
    return made;
}

tls_engine::~tls_engine()
{
    if (ssl_ == nullptr)
        return;
    // Says goodbye in OpenSSL's books alone: without it the session could not be resumed, and
    // waiting for the peer's goodbye could take for ever.
    SSL_set_quiet_shutdown(ssl_, 1);
    SSL_shutdown(ssl_);
    SSL_free(ssl_);
    ERR_clear_error();
}

// Host name or address, and nothing but the subject alternative names count (RFC 9525).
bool tls_engine::expect(std::string const& host, bool ip_literal)
{
    X509_VERIFY_PARAM* const expected = SSL_get0_param(ssl_);
    X509_VERIFY_PARAM_set_hostflags(
        expected, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    forget_failures();
    // SNI carries names only (RFC 6066 section 3).
    bool const set = ip_literal
                         ? X509_VERIFY_PARAM_set1_ip_asc(expected, host.c_str()) == 1
                         : X509_VERIFY_PARAM_set1_host(expected, host.data(), host.size()) == 1 &&
                               SSL_set_tlsext_host_name(ssl_, host.c_str()) == 1;
    if (!set)
        failure_ =
            lacked_memory() ? boost::asio::error::no_memory : boost::asio::error::invalid_argument;
    return set;
}

void tls_engine::begin()
{
    lacked_memory_ = false;
    forget_failures();
}

tls_engine::step tls_engine::handshake()
{
    sent_ = 0;
    begin();
    return outcome(SSL_do_handshake(ssl_));
}

tls_engine::step tls_engine::write(std::string_view& bytes)
{
    while (!bytes.empty())
    {
        std::size_t written = 0;
        begin();
        int const returned = SSL_write_ex(ssl_, bytes.data(), bytes.size(), &written);
        if (returned != 1)
            return outcome(returned);
        bytes.remove_prefix(written);
    }
    return step::done;
}

tls_engine::step tls_engine::read(std::span<char> into, std::size_t& size)
{
    size = 0;
    // OpenSSL takes its time to find out that there is nothing.
    if (!pending())
        return step::want_read;
    sent_ = 0;
    begin();
    return outcome(SSL_read_ex(ssl_, into.data(), into.size(), &size));
}

bool tls_engine::pending() const
{
    return input_begin_ != input_end_ || ended_ || SSL_has_pending(ssl_) == 1;
}

bool tls_engine::within_record() const
{
    // "RB" is reading the body: the header has left the buffer then.
    return pending() || SSL_rstate_string(ssl_)[1] == 'B';
}

tls_engine::step tls_engine::outcome(int returned)
{
    if (returned == 1)
        return step::done;
    switch (SSL_get_error(ssl_, returned))
    {
    case SSL_ERROR_WANT_READ:
        if (input_begin_ != input_end_)
            return step::want_write;
        return ended_ ? step::truncated : step::want_read;
    case SSL_ERROR_WANT_WRITE:
        return step::want_write;
    case SSL_ERROR_ZERO_RETURN:
        return step::end;
    default:
        break;
    }
    if (system_error_ != 0)
    {
        failure_ = {system_error_, boost::system::system_category()};
        return step::failed;
    }
    auto const code = ERR_peek_error();
    if (code == 0)
        return step::truncated;
    failure_ = {static_cast<int>(code), boost::asio::error::get_ssl_category()};
    if (lacked_memory() || lacked_memory_)
        failure_ = boost::asio::error::no_memory;
    return step::failed;
}

std::span<char> tls_engine::input()
{
    // It asks for more only when it has taken all.
    input_begin_ = input_end_ = 0;
    return input_;
}

void tls_engine::feed(std::size_t size)
{
    input_end_ = size;
}

void tls_engine::feed_end()
{
    ended_ = true;
}

bool tls_engine::resumed() const
{
    return SSL_session_reused(ssl_) == 1;
}

long tls_engine::verdict() const
{
    return SSL_get_verify_result(ssl_);
}

} // namespace coauth::net
