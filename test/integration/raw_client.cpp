#include "raw_client.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <boost/json/parse.hpp>

#include <cctype>
#include <cstdlib>

namespace test
{

namespace
{

namespace asio = boost::asio;
using tcp = asio::ip::tcp;

std::string to_bytes(raw_request const& request, std::uint16_t port)
{
    auto bytes = request.method + " " + request.path +
                 " HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port) +
                 "\r\nConnection: close\r\n";
    if (request.method == "POST")
        bytes += "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: " +
                 std::to_string(request.body.size()) + "\r\n";
    for (auto const& line : request.headers)
        bytes += line + "\r\n";
    return bytes + "\r\n" + request.body;
}

void show(asio::ssl::context& tls, identity const& shown)
{
    auto const certificate = shown.certificate_pem;
    auto const key = shown.key.private_pem();
    tls.use_certificate(asio::buffer(certificate), asio::ssl::context::pem);
    tls.use_private_key(asio::buffer(key), asio::ssl::context::pem);
}

raw_response parse(std::string const& bytes)
{
    raw_response got;
    auto const end = bytes.find("\r\n\r\n");
    got.head = bytes.substr(0, end);
    got.body = end == std::string::npos ? std::string() : bytes.substr(end + 4);
    if (got.head.size() > 12)
        got.status = static_cast<unsigned>(std::atoi(got.head.c_str() + 9));
    return got;
}

} // namespace

boost::json::object raw_response::document() const
{
    boost::system::error_code ec;
    auto const value = boost::json::parse(body, ec);
    return !ec && value.is_object() ? value.get_object() : boost::json::object();
}

std::string raw_response::text(char const* name) const
{
    auto const all = document();
    auto const* const value = all.if_contains(name);
    return value && value->is_string() ? std::string(value->get_string().c_str()) : std::string();
}

std::string raw_response::header(std::string const& name) const
{
    auto const start = head.find("\r\n" + name + ": ");
    if (start == std::string::npos)
        return {};
    auto const value = start + name.size() + 4;
    return head.substr(value, head.find("\r\n", value) - value);
}

raw_response send(authorization_server const& server, raw_request const& request)
{
    auto const port = request.port == 0 ? server.port() : request.port;
    asio::ssl::context tls(asio::ssl::context::tls_client);
    auto const& ca = server.ca_pem();
    tls.add_certificate_authority(asio::buffer(ca));
    tls.set_verify_mode(asio::ssl::verify_peer);
    if (request.shown)
        show(tls, *request.shown);

    asio::io_context context;
    asio::ssl::stream<tcp::socket> stream(context, tls);
    stream.next_layer().connect({asio::ip::make_address("127.0.0.1"), port});
    stream.handshake(asio::ssl::stream_base::client);
    asio::write(stream, asio::buffer(to_bytes(request, port)));
    std::string bytes;
    boost::system::error_code ended;
    asio::read(stream, asio::dynamic_buffer(bytes), ended);
    return parse(bytes);
}

std::string escaped(std::string const& text)
{
    static constexpr char digits[] = "0123456789ABCDEF";
    std::string out;
    for (char const c : text)
    {
        auto const byte = static_cast<unsigned char>(c);
        if (std::isalnum(byte) != 0 || c == '-' || c == '.' || c == '_')
            out += c;
        else
            (out += '%').append({digits[byte >> 4], digits[byte & 15]});
    }
    return out;
}

} // namespace test
