#ifndef COAUTH_TEST_SUPPORT_FULL_BACKLOG_HPP
#define COAUTH_TEST_SUPPORT_FULL_BACKLOG_HPP

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <chrono>
#include <cstdint>
#include <vector>

namespace test
{

// A loopback port that does not respond: its listen queue is full, and Linux drops further SYNs.
class full_backlog
{
public:
    full_backlog() : acceptor_(context_, {boost::asio::ip::address_v4::loopback(), 0})
    {
        acceptor_.listen(0);
        for (int i = 0; i < 4; ++i)
        {
            fillers_.emplace_back(context_);
            fillers_.back().async_connect(acceptor_.local_endpoint(), [](auto) {});
        }
        context_.run_for(std::chrono::milliseconds(50));
    }

    [[nodiscard]] std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

private:
    boost::asio::io_context context_;
    boost::asio::ip::tcp::acceptor acceptor_;
    std::vector<boost::asio::ip::tcp::socket> fillers_;
};

} // namespace test

#endif
