#ifndef COAUTH_TEST_SUPPORT_TLS_FRONT_HPP
#define COAUTH_TEST_SUPPORT_TLS_FRONT_HPP

#include "server_certificates.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace test
{

// TLS in front of a server or proxy at 127.0.0.1 that has none. Each piece that comes from there
// is a TLS record of its own.
class tls_front
{
public:
    explicit tls_front(
        std::uint16_t leads_to, server_certificate kind = server_certificate::valid_rsa);
    ~tls_front();
    tls_front(tls_front const&) = delete;
    tls_front& operator=(tls_front const&) = delete;

    // "https://localhost:port".
    [[nodiscard]] std::string url() const;
    [[nodiscard]] std::string const& ca_pem() const { return ca_pem_; }

    struct handshake
    {
        // The name of SNI; empty: none.
        std::string name;
        bool resumed = false;
        // It was requested.
        bool showed_certificate = false;
    };
    // Those that came to their end.
    [[nodiscard]] std::vector<handshake> handshakes() const;

private:
    using tcp = boost::asio::ip::tcp;
    struct connection;

    boost::asio::awaitable<void> accept();
    boost::asio::awaitable<void> serve(std::shared_ptr<connection> one);

    std::uint16_t const leads_to_;
    std::string ca_pem_;
    std::mutex mutable mutex_;
    std::vector<handshake> handshakes_;
    boost::asio::io_context context_{1};
    boost::asio::ssl::context tls_{boost::asio::ssl::context::tls_server};
    tcp::acceptor acceptor_;
    std::thread thread_;
};

} // namespace test

#endif
