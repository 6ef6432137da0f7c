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
    // Sent when a tunnel was asked for. Empty: nothing.
    std::string response = {};
    // Sent so many bytes at a time, with a pause between; 0: in one.
    std::size_t piece = 0;
    std::chrono::milliseconds pause{1};
    // The port at 127.0.0.1 that the tunnel leads to. 0: nothing more is said.
    std::uint16_t leads_to = 0;
    // The connection is closed behind the response.
    bool close = false;
};

// A proxy that says what it is told to say, with a thread of its own.
class scripted_proxy
{
public:
    explicit scripted_proxy(proxy_script script);
    ~scripted_proxy();
    scripted_proxy(scripted_proxy const&) = delete;
    scripted_proxy& operator=(scripted_proxy const&) = delete;

    [[nodiscard]] std::string url() const;
    // How many tunnels were asked for.
    [[nodiscard]] std::size_t asked() const;
    // Waits until so many tunnels were asked for, or so many connections are over. False: it took
    // more than ten seconds.
    [[nodiscard]] bool wait_until_asked(std::size_t count) const;
    [[nodiscard]] bool wait_until_over(std::size_t count) const;

private:
    using tcp = boost::asio::ip::tcp;
    struct tunnel;

    boost::asio::awaitable<void> accept();
    boost::asio::awaitable<void> serve(std::shared_ptr<tunnel> one);
    boost::asio::awaitable<void> response(std::shared_ptr<tunnel> one);
    void count(std::size_t& what);
    bool wait(std::size_t const& what, std::size_t count) const;

    proxy_script const script_;
    std::mutex mutable mutex_;
    std::condition_variable mutable changed_;
    std::size_t asked_ = 0;
    std::size_t over_ = 0;
    boost::asio::io_context context_{1};
    tcp::acceptor acceptor_;
    std::thread thread_;
};

} // namespace test

#endif
