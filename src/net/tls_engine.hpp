#ifndef COAUTH_SRC_NET_TLS_ENGINE_HPP
#define COAUTH_SRC_NET_TLS_ENGINE_HPP

#include "net/client_certificate.hpp"
#include "net/tls_context.hpp"

#include <boost/system/error_code.hpp>

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

struct ssl_st;

namespace coauth::net
{

// TLS over a non-blocking socket, step by step; whoever owns it waits between the steps.
//
// It writes to the socket itself, and is fed with what was read from it: one system call each way
// for a small message, and no buffers beside OpenSSL's own. Those are kept between requests.
class tls_engine
{
public:
    enum class step
    {
        done,
        // Feed it, and call again.
        want_read,
        // Call again when the socket takes more, and others had their turn.
        want_write,
        // The peer said goodbye (close_notify).
        end,
        // The connection ended without a goodbye.
        truncated,
        // `failure()` says why.
        failed,
    };

    // None: there was no memory. `peer` names the server among the sessions of the context.
    static std::unique_ptr<tls_engine>
    make(std::shared_ptr<tls_context> context, int socket, std::string peer);
    ~tls_engine();
    tls_engine(tls_engine const&) = delete;
    tls_engine& operator=(tls_engine const&) = delete;

    // Whom to accept: the host name or address is verified, and SNI set for a name.
    bool expect(std::string const& host, bool ip_literal);

    // Who the client is, should the server ask.
    bool offer(certificate_chain const& own) { return own.offer(ssl_); }

    step handshake();
    // Takes from `bytes` what it has written; on want_write, to be called again with what is left.
    step write(std::string_view& bytes);
    step read(std::span<char> into, std::size_t& size);

    // Whether `read` would find anything without being fed.
    [[nodiscard]] bool pending() const;
    // Whether a part of a record came, and `read` has nothing to give before the rest does.
    [[nodiscard]] bool within_record() const;

    // Where encrypted bytes are to be put. Only when `read` or `handshake` wants them.
    std::span<char> input();
    void feed(std::size_t size);
    void feed_end();

    [[nodiscard]] bool resumed() const;
    // The verdict on the server's certificate, in OpenSSL's numbers.
    [[nodiscard]] long verdict() const;
    [[nodiscard]] boost::system::error_code failure() const { return failure_; }

private:
    struct access;

    explicit tls_engine(std::shared_ptr<tls_context> context);
    // Before each call of OpenSSL, which `outcome` judges.
    void begin();
    step outcome(int returned);

    std::shared_ptr<tls_context> context_;
    session_key owner_;
    ssl_st* ssl_ = nullptr;
    int socket_ = -1;
    std::array<char, 8 * 1024> input_;
    std::size_t input_begin_ = 0;
    std::size_t input_end_ = 0;
    // How often it has sent something since it was last called.
    int sent_ = 0;
    bool ended_ = false;
    // So far in the present call.
    bool lacked_memory_ = false;
    int system_error_ = 0;
    boost::system::error_code failure_;
};

} // namespace coauth::net

#endif
