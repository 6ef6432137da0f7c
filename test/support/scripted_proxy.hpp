#ifndef COAUTH_TEST_SUPPORT_SCRIPTED_PROXY_HPP
#define COAUTH_TEST_SUPPORT_SCRIPTED_PROXY_HPP

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace test
{

struct proxy_script
{
    // Sent after a CONNECT request. Empty: nothing.
    std::string response = {};
    // Number of bytes sent at a time, with a pause between; 0: all at once.
    std::size_t piece = 0;
    std::chrono::milliseconds pause{1};
    // The port at 127.0.0.1 to which the tunnel leads. 0: the proxy stays silent.
    std::uint16_t leads_to = 0;
    // Closes the connection after the response.
    bool close = false;
};

// A proxy with a scripted response, on a thread of its own.
class scripted_proxy
{
public:
    explicit scripted_proxy(proxy_script script);
    ~scripted_proxy();
    scripted_proxy(scripted_proxy const&) = delete;
    scripted_proxy& operator=(scripted_proxy const&) = delete;

    [[nodiscard]] std::string url() const;
    [[nodiscard]] std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
    // Number of CONNECT requests.
    [[nodiscard]] std::size_t requests() const;
    // The last of them as it came.
    [[nodiscard]] std::string last_request() const;
    // Waits until `count` requests were received, or `count` connections have ended. False: this
    // took more than ten seconds.
    [[nodiscard]] bool wait_for_requests(std::size_t count) const;
    [[nodiscard]] bool wait_for_ended(std::size_t count) const;

private:
    using tcp = boost::asio::ip::tcp;
    struct tunnel;

    boost::asio::awaitable<void> accept();
    boost::asio::awaitable<void> serve(std::shared_ptr<tunnel> connection);
    boost::asio::awaitable<void> response(std::shared_ptr<tunnel> connection);
    void count(std::size_t& what);
    bool wait(std::size_t const& what, std::size_t count) const;

    proxy_script const script_;
    std::mutex mutable mutex_;
    std::condition_variable mutable changed_;
    std::size_t requests_ = 0;
    std::string last_request_;
    std::size_t ended_ = 0;
    boost::asio::io_context context_{1};
    tcp::acceptor acceptor_;
    std::thread thread_;
};

} // namespace test

#endif
