#include "testing/response_writer.hpp"

#include <string_view>

namespace coauth::testing
{

namespace
{

std::string_view reason(unsigned status)
{
    switch (status)
    {
    case 200:
        return "OK";
    case 400:
        return "Bad Request";
    case 401:
        return "Unauthorized";
    case 403:
        return "Forbidden";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 429:
        return "Too Many Requests";
    case 500:
        return "Internal Server Error";
    case 503:
        return "Service Unavailable";
    default:
        // A reason may be empty (RFC 9112 section 4).
        return "";
    }
}

bool has_no_content(unsigned status)
{
    return status < 200 || status == 204 || status == 304;
}

std::string head_and_body(response const& what, bool keep_alive)
{
    std::string out = "HTTP/1.1 " + std::to_string(what.status) + " ";
    out += reason(what.status);
    out += "\r\n";
    for (auto const& header : what.headers)
        out += header.name + ": " + header.value + "\r\n";
    if (!has_no_content(what.status) && !what.headers.find("Content-Length") &&
        !what.headers.find("Transfer-Encoding"))
        out += "Content-Length: " + std::to_string(what.body.size()) + "\r\n";
    if (!keep_alive && !what.headers.find("Connection"))
        out += "Connection: close\r\n";
    return out + "\r\n" + what.body;
}

} // namespace

response response::json(unsigned status, std::string body)
{
    response made;
    made.status = status;
    made.headers.add("Content-Type", "application/json");
    made.headers.add("Cache-Control", "no-store");
    made.body = std::move(body);
    return made;
}

response response::bytes(std::string raw, response_end end)
{
    response made;
    made.raw = std::move(raw);
    made.end = end;
    return made;
}

std::string to_wire(response const& what, bool keep_alive)
{
    auto out = what.raw.empty() ? head_and_body(what, keep_alive && what.end != response_end::close)
                                : what.raw;
    if (what.cut_at && *what.cut_at < out.size())
        out.resize(*what.cut_at);
    return out;
}

} // namespace coauth::testing
