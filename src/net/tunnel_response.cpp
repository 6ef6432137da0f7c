#include "net/tunnel_response.hpp"

#include <algorithm>

namespace coauth::net
{
namespace
{

constexpr std::string_view http = "HTTP/1.";

// As in "HTTP/1.1 200 OK" (RFC 9112 section 4). 0: it is no status line.
unsigned read_status(std::string_view line) noexcept
{
    if (line.size() < 12 || !line.starts_with(http) || line[8] != ' ')
        return 0;
    auto const digits = line.substr(9, 3);
    bool const number = digits.find_first_not_of("0123456789") == std::string_view::npos;
    if (!number || (line.size() > 12 && line[12] != ' '))
        return 0;
    unsigned status = 0;
    for (char const c : digits)
        status = status * 10 + static_cast<unsigned>(c - '0');
    return status;
}

} // namespace

void tunnel_response::read(std::string_view received) noexcept
{
    auto from = size_;
    size_ = received.size();
    while (!complete_)
    {
        auto const end = received.find('\n', from);
        if (end == std::string_view::npos)
            break;
        auto line = received.substr(line_begin_, end - line_begin_);
        if (line.ends_with('\r'))
            line.remove_suffix(1);
        from = line_begin_ = end + 1;
        end_line(line);
    }
    auto const begin = received.substr(line_begin_, http.size());
    if (is_first_line_ && begin != http.substr(0, begin.size()))
    {
        status_ = 0; // not that of an informational response before it
        complete_ = true;
    }
}

void tunnel_response::end_line(std::string_view line) noexcept
{
    if (is_first_line_)
    {
        status_ = read_status(line);
        is_first_line_ = false;
        complete_ = status_ == 0;
        return;
    }
    if (!line.empty())
        return;
    // 101 is final: no other protocol was requested.
    bool const informational = status_ >= 100 && status_ < 200 && status_ != 101;
    complete_ = !informational;
    is_first_line_ = informational;
}

} // namespace coauth::net
