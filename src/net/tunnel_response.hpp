#ifndef COAUTH_SRC_NET_TUNNEL_RESPONSE_HPP
#define COAUTH_SRC_NET_TUNNEL_RESPONSE_HPP

#include <cstddef>
#include <string_view>

namespace coauth::net
{

// The response of a proxy to CONNECT, while it arrives. Informational responses (1xx) before it are
// skipped, and lines may end with LF alone. Of the header fields none matters (RFC 9110 section
// 9.3.6).
class tunnel_response
{
public:
    // Takes all that was received so far. Reads each byte once.
    void read(std::string_view received) noexcept;

    // 0: it is not HTTP/1, or its first line is not complete.
    [[nodiscard]] unsigned status() const noexcept { return status_; }
    // Whether the header has ended, or never will: it is not HTTP.
    [[nodiscard]] bool is_complete() const noexcept { return complete_; }
    // What follows the header.
    [[nodiscard]] std::size_t extra() const noexcept { return size_ - line_begin_; }

private:
    void end_line(std::string_view line) noexcept;

    unsigned status_ = 0;
    bool complete_ = false;
    bool is_first_line_ = true;
    std::size_t line_begin_ = 0;
    std::size_t size_ = 0;
};

} // namespace coauth::net

#endif
