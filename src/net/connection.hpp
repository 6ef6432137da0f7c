#ifndef COAUTH_SRC_NET_CONNECTION_HPP
#define COAUTH_SRC_NET_CONNECTION_HPP

#include <coauth/client_config.hpp>

#include "net/client_certificate.hpp"
#include "net/http_response_parser.hpp"
#include "net/resolver.hpp"
#include "net/task.hpp"
#include "net/tls_engine.hpp"
#include "net/wait.hpp"
#include "values/http_response.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>

namespace coauth::net
{

// Where connections go, and what bounds them: the same for all connections of a client.
struct target
{
    // No context: plain HTTP.
    std::shared_ptr<tls_context> tls;
    // The client's own; null: none.
    std::shared_ptr<client_certificate> certificate;
    std::string host;
    std::uint16_t port = 0;
    bool ip_literal = false;
    // What asks a proxy for a tunnel to there; empty: there is no proxy.
    secret tunnel_request;
    std::string proxy_host;
    std::uint16_t proxy_port = 0;

    response_limits limits;
    // Fields of the response that are not needed to understand it are wanted as well.
    bool all_headers = false;
    std::chrono::milliseconds connection_attempt_delay{};
    std::shared_ptr<resolver> lookups;
};

struct exchange_outcome
{
    http_response response;
    // The moment before the first byte of the request was written.
    std::chrono::system_clock::time_point sent;
    std::chrono::steady_clock::time_point sent_steady;
};

// One connection to a server, used by one operation at a time.
//
// Its coroutines run on the caller's executor and need no strand: an abort, from any thread, only
// ever ends the present wait.
class connection final : public cancellable
{
public:
    connection(boost::asio::any_io_executor const& executor, std::shared_ptr<target const> where);
    ~connection();
    connection(connection const&) = delete;
    connection& operator=(connection const&) = delete;

    // Resolve, connect, ask the proxy, TLS. `op` must outlive the call.
    task<result<void>> open(operation_context& op);

    // One request, one response. Afterwards `reusable()` says whether another may follow.
    task<result<exchange_outcome>> exchange(std::string_view request, operation_context& op);

    [[nodiscard]] bool reusable() const { return reusable_; }
    // Nothing came since the last response but what TLS wants for itself, and the peer is still
    // there, as far as can be told without waiting.
    [[nodiscard]] bool quiet();
    // It was opened with the client certificate that would be shown now, if any.
    [[nodiscard]] bool uses_current_certificate() const;
    // The last exchange failed before anything of a response came, as on a connection that the
    // server had closed meanwhile.
    [[nodiscard]] bool closed_before_response() const { return died_silently_; }
    [[nodiscard]] bool resumed() const { return tls_ && tls_->resumed(); }
    [[nodiscard]] unsigned requests() const { return requests_; }

    void cancel() noexcept override;

private:
    // What has to come before it can go on.
    enum class need
    {
        nothing,
        input,
        room,
    };

    static need need_of(tls_engine::step last);
    // Waits for it; input is read to `into`.
    auto async_ready(need what, std::span<char> into, operation_context& op);

    task<result<void>> lookup(operation_context& op, endpoints& found);
    task<result<void>> connect(operation_context& op, endpoints const& found);
    task<result<void>> tunnel(operation_context& op);
    task<result<void>> handshake(operation_context& op);
    result<void> start_tls(operation_context& op);
    // Each goes as far as it can without waiting.
    need shake_hands();
    need send_plain(std::string_view& bytes, boost::system::error_code& ec);
    need send(std::string_view& bytes, boost::system::error_code& ec);
    need receive(boost::system::error_code& ec);
    need send_and_receive(
        std::string_view& request, operation_context& op, boost::system::error_code& ec);
    std::span<char> input(need what);
    void feed(boost::system::error_code& ec, std::size_t size);
    // Takes in what is there before anything was asked. `input`: no more is there; `room`: there
    // may be, when others had their turn; `nothing`: something that must not be.
    need read_unsolicited(boost::system::error_code& ec);

    result<void> check_tunnel_response(
        operation_context& op, boost::system::error_code ec, std::string_view response);
    error fail_handshake(operation_context& op, boost::system::error_code ec);
    error unsolicited_data_error(operation_context& op, boost::system::error_code ec);
    error fail_request(operation_context& op, boost::system::error_code ec);
    error fail_response(operation_context& op, boost::system::error_code ec);
    error
    fail(operation_context& op, errc code, std::string context, boost::system::error_code cause);
    [[nodiscard]] std::string rejection(long verdict) const;
    [[nodiscard]] std::string peer() const;
    [[nodiscard]] std::string proxy() const;
    [[nodiscard]] std::string next_hop() const;

    std::shared_ptr<target const> where_;
    boost::asio::ip::tcp::socket socket_;
    // Null: none.
    std::shared_ptr<certificate_chain const> shown_;
    std::unique_ptr<tls_engine> tls_;
    http_response_parser reader_;
    http_response_parser::state response_ = http_response_parser::state::more;
    tls_engine::step last_step_ = tls_engine::step::done;
    // Of the present exchange, were it but a part of one.
    bool saw_record_ = false;
    unsigned requests_ = 0;
    bool reusable_ = false;
    bool died_silently_ = false;
    boost::system::error_code last_failure_;
};

} // namespace coauth::net

#endif
