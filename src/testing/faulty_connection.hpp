#ifndef COAUTH_SRC_TESTING_FAULTY_CONNECTION_HPP
#define COAUTH_SRC_TESTING_FAULTY_CONNECTION_HPP

#include <coauth/testing/fault_proxy.hpp>

#include <boost/asio/ip/tcp.hpp>

#include <memory>

namespace coauth::testing
{

// What went through one port.
struct traffic
{
    std::size_t to_server = 0;
    std::size_t to_client = 0;
    std::size_t connections = 0;
};

// Connects to the server and carries bytes both ways, disturbed, until both sides have ended. On
// the client's executor, which runs one handler at a time.
void inject_faults(
    boost::asio::ip::tcp::socket client, std::uint16_t server_port, fault_spec const& what,
    std::shared_ptr<traffic> counted);

} // namespace coauth::testing

#endif
