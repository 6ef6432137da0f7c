#ifndef COAUTH_TEST_SUPPORT_FAULTY_CONNECTION_HPP
#define COAUTH_TEST_SUPPORT_FAULTY_CONNECTION_HPP

#include "fault_proxy.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <memory>

namespace test
{

// Numbers of bytes and connections through one port.
struct traffic
{
    std::size_t to_server = 0;
    std::size_t to_client = 0;
    std::size_t connections = 0;
};

// Connects to the server and forwards bytes both ways, with the fault, until both sides have ended.
// Runs on the client's executor, which must run one handler at a time.
void forward_with_fault(
    boost::asio::ip::tcp::socket client, std::uint16_t server_port, fault_spec const& spec,
    std::shared_ptr<traffic> counters);

} // namespace test

#endif
