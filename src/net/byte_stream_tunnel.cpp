#include "net/byte_stream.hpp"
#include "net/tunnel_response.hpp"
#include "values/wipe.hpp"

#include <tuple>
#include <vector>

// The tunnel through an HTTP proxy (CONNECT, RFC 9110 section 9.3.6).

namespace coauth::net
{
namespace
{

constexpr std::size_t header_limit = std::size_t(64) * 1024;
// With TLS, also of records without data.
constexpr std::size_t received_limit = std::size_t(512) * 1024;

} // namespace

// What the proxy has sent.
struct byte_stream::tunnel_exchange
{
    std::span<char> rest() { return {bytes.data() + size, bytes.size() - size}; }
    void add(std::size_t received)
    {
        size += received;
        response.read({bytes.data(), size});
        if (size == bytes.size() && size < header_limit)
            bytes.resize(2 * size);
    }
    [[nodiscard]] bool is_full() const { return size == bytes.size(); }

    // The proxy may repeat the credentials it received.
    std::vector<char, detail::wiping_allocator<char>> bytes =
        std::vector<char, detail::wiping_allocator<char>>(8 * 1024);
    std::size_t size = 0;
    tunnel_response response;
};

byte_stream::wait_kind
byte_stream::exchange_tunnel(std::string_view& request, tunnel_exchange& received, error_code& ec)
{
    if (!request.empty())
    {
        auto const next = try_write(request, ec);
        if (next != wait_kind::nothing || ec)
            return next;
    }
    // With TLS, what follows the header may be there already: it is read, to be refused.
    for (;;)
    {
        std::size_t size = 0;
        auto const next = try_read(received.rest(), size, ec);
        received.add(size);
        if (ec || received.is_full())
            return wait_kind::nothing;
        if (next != wait_kind::nothing)
            return received.response.is_complete() ? wait_kind::nothing : next;
    }
}

// Reads the proxy's response up to the end of its header.
task<result<void>> byte_stream::open_tunnel(operation_context& op)
{
    scope const covered(*this, op.stop);
    tunnel_exchange received;
    std::string_view request = target_->tunnel_request.view();
    std::size_t received_bytes = 0;
    error_code ec;
    auto next = exchange_tunnel(request, received, ec);
    while (next != wait_kind::nothing && !ec)
    {
        std::size_t size = 0;
        std::tie(ec, size) = co_await async_ready(next, received.rest(), op);
        if (next == wait_kind::input)
            on_input(ec, size);
        received_bytes += size;
        if (received_bytes > received_limit)
            co_return fail(
                op, errc::proxy_refused,
                "the proxy " + proxy() + " sends TLS records without end in place of a response",
                {});
        if (!ec)
            next = exchange_tunnel(request, received, ec);
    }
    auto outcome = check_tunnel_response(op, ec, received.response);
    co_return outcome;
}

result<void> byte_stream::check_tunnel_response(
    operation_context& op, error_code ec, tunnel_response const& response) const
{
    if ((ec && !response.is_complete()) || op.stop.aborted())
        return fail(
            op, errc::connection_lost, "the proxy " + proxy() + " broke off during CONNECT", ec);
    bool const success = response.status() >= 200 && response.status() < 300;
    // Bytes after the header would be taken for the server's.
    if (success && response.is_complete() && response.extra() == 0)
        return {};
    std::string what = response.status() != 0 ? std::to_string(response.status())
                                              : std::string("something that is not HTTP");
    if (!response.is_complete())
        what += " with more than " + std::to_string(header_limit / 1024) + " KiB of header";
    else if (success)
        what += ", and not just a header,";
    auto info = fail(
                    op, errc::proxy_refused,
                    "the proxy " + proxy() + " responded " + what + " to CONNECT " + peer() +
                        "; check proxy.url, proxy.user and proxy.password, and what it allows",
                    {})
                    .info();
    info.http_status = response.status();
    return error(errc::proxy_refused, std::move(info));
}

} // namespace coauth::net
