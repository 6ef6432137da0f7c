#include "testing/response_writer.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <string_view>

namespace coauth::testing
{

namespace
{

std::string_view reason_phrase(unsigned status)
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

std::string head_and_body(response const& source, bool keep_alive)
{
    std::string out = "HTTP/1.1 " + std::to_string(source.status) + " ";
    out += reason_phrase(source.status);
    out += "\r\n";
    for (auto const& header : source.headers)
        out += header.name + ": " + header.value + "\r\n";
    if (!has_no_content(source.status) && !source.headers.find("Content-Length") &&
        !source.headers.find("Transfer-Encoding"))
        out += "Content-Length: " + std::to_string(source.body.size()) + "\r\n";
    if (!keep_alive && !source.headers.find("Connection"))
        out += "Connection: close\r\n";
    return out + "\r\n" + source.body;
}

} // namespace

response response::json(unsigned status, std::string body)
{
    response result;
    result.status = status;
    result.headers.add("Content-Type", "application/json");
    result.headers.add("Cache-Control", "no-store");
    result.body = std::move(body);
    return result;
}

response response::token(std::string const& value, std::chrono::seconds expires_in)
{
    boost::json::object document;
    document["access_token"] = value;
    document["token_type"] = "Bearer";
    document["expires_in"] = expires_in.count();
    return json(200, boost::json::serialize(document));
}

response response::nothing(response_end end)
{
    response result;
    result.cut_at = 0;
    result.end = end;
    return result;
}

response response::bytes(std::string raw, response_end end)
{
    response result;
    result.raw = std::move(raw);
    result.end = end;
    return result;
}

std::string to_wire(response const& source, bool keep_alive)
{
    auto out = source.raw.empty()
                   ? head_and_body(source, keep_alive && source.end != response_end::close)
                   : source.raw;
    if (source.cut_at && *source.cut_at < out.size())
        out.resize(*source.cut_at);
    return out;
}

} // namespace coauth::testing
