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

struct bio_st;
struct ssl_st;

namespace coauth::net
{

// TLS over a non-blocking socket, or within the TLS of another engine, in steps; its owner waits
// between them.
//
// In place of asio::ssl::stream: it writes to the socket itself and receives what its owner reads
// from it. So a small message takes one system call each way and no buffer beside OpenSSL's own,
// and its owner counts every byte: of a handshake, of records without data, of data that nobody
// requested.
class tls_engine
{
public:
    enum class step
    {
        done,
        // Read from the socket into `input_buffer()`, commit it, and call again.
        want_read,
        // Call again when the socket is writable and other handlers had their turn.
        want_write,
        // The peer has sent a close_notify.
        end,
        // The connection ended without a close_notify.
        truncated,
        // `failure()` has the reason.
        failed,
    };

    // Null without memory. `peer` is the key of the server's sessions in the context.
    static std::unique_ptr<tls_engine>
    make(std::shared_ptr<tls_context> context, int socket, std::string peer);
    // The same within `outer`, whose handshake is done. What the owner reads from the socket goes
    // through both.
    static std::unique_ptr<tls_engine> make_within(
        std::unique_ptr<tls_engine> outer, std::shared_ptr<tls_context> context, std::string peer);
    ~tls_engine();
    tls_engine(tls_engine const&) = delete;
    tls_engine& operator=(tls_engine const&) = delete;

    // A server may request authentication once for each request.
    void begin_request() noexcept;

    // The host name or address that the certificate must have; SNI is sent for a name.
    bool set_verify_host(std::string const& host, bool ip_literal);

    // The client's certificate, if the server requests one: in the handshake, after the request in
    // TLS 1.3 (RFC 8446 section 4.6.2), or by a secure renegotiation in TLS 1.2 (RFC 5746).
    // Without a certificate the last two are refused.
    result<void> use_certificate(certificate_chain const& own);

    step handshake();
    // Removes from `bytes` what it has written; after want_write, call it again with the rest.
    step write(std::string_view& bytes);
    step read(std::span<char> buffer, std::size_t& size);

    // Whether `read` would make progress without more input.
    [[nodiscard]] bool pending() const;
    // Whether a part of a record arrived, and `read` returns nothing before the rest does.
    [[nodiscard]] bool within_record() const;

    // Where to put encrypted bytes. Only after want_read.
    std::span<char> input_buffer();
    void commit_input(std::size_t size);
    void commit_eof();

    // Whether `failure()` is that of the TLS around this one.
    [[nodiscard]] bool outer_failed() const { return outer_step_ == step::failed; }

    [[nodiscard]] bool resumed() const;
    // Whether this process has been forked since the connection was opened: it is the parent's.
    [[nodiscard]] bool belongs_to_parent() const noexcept;
    // OpenSSL's X509_V_OK or X509_V_ERR_*.
    [[nodiscard]] long verify_result() const;
    [[nodiscard]] boost::system::error_code failure() const { return failure_; }

private:
    struct bio_callbacks;
    class errors_kept;

    explicit tls_engine(std::shared_ptr<tls_context> context);
    static std::unique_ptr<tls_engine> start(std::unique_ptr<tls_engine> engine, std::string peer);
    void begin_step();
    // Around each call of OpenSSL.
    void begin_call();
    step end_call(int returned);
    // What the socket does for an engine, `outer_` does for one within it.
    step read_step(std::span<char> buffer, std::size_t& size);
    int read_from_outer(bio_st* bio, char* data, int size);
    int write_to_outer(bio_st* bio, char const* data, int size);
    [[nodiscard]] step wait_for_input() const;

    std::shared_ptr<tls_context> context_;
    session_key session_key_;
    ssl_st* ssl_ = nullptr;
    int socket_ = -1;
    // Null: this one is on the socket.
    std::unique_ptr<tls_engine> outer_;
    // The last step of `outer_` during the present call.
    step outer_step_ = step::done;
    std::array<char, 8 * 1024> input_;
    std::size_t input_begin_ = 0;
    std::size_t input_end_ = 0;
    int writes_since_read_ = 0;
    bool eof_ = false;
    // The last call ended with want_write: OpenSSL has to be called again.
    bool wants_write_ = false;
    bool handshake_done_ = false;
    bool uses_certificate_ = false;
    // Requests for a client certificate after the handshake, and for renegotiation.
    int authentication_requests_ = 0;
    // A child process must not write into the connection of its parent.
    unsigned const fork_generation_;
    // During the present call.
    bool lacked_memory_ = false;
    int system_error_ = 0;
    boost::system::error_code failure_;
};

} // namespace coauth::net

#endif
