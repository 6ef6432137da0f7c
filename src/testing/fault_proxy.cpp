#include <coauth/testing/fault_proxy.hpp>

#include "testing/faulty_connection.hpp"
#include "testing/listener.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>

#include <map>
#include <mutex>
#include <thread>
#include <utility>

namespace coauth::testing
{

namespace asio = boost::asio;
using tcp = asio::ip::tcp;

class fault_proxy::state
{
    // Defined before its type is asked for.
    template <class F>
    auto on_thread(F f)
    {
        return asio::post(context_, asio::use_future(std::move(f))).get();
    }

public:
    explicit state(std::uint16_t server_port)
        : server_port_(server_port)
        , work_(context_.get_executor())
        , thread_([this] { context_.run(); })
    {
    }

    ~state()
    {
        context_.stop();
        thread_.join();
    }

    std::uint16_t open(fault_spec const& what)
    {
        return on_thread([this, what] { return listen(what); });
    }

    void close(std::uint16_t port)
    {
        on_thread([this, port] { listeners_.erase(port); });
    }

    [[nodiscard]] traffic seen(std::uint16_t port)
    {
        return on_thread(
            [this, port]
            {
                auto const found = traffic_.find(port);
                return found == traffic_.end() ? traffic() : *found->second;
            });
    }

private:
    std::uint16_t listen(fault_spec const& what)
    {
        auto const counted = std::make_shared<traffic>();
        auto made = std::make_unique<listener>(
            context_, "127.0.0.1", std::uint16_t(0),
            [this, what, counted](tcp::socket socket)
            {
                auto const number = counted->connections++;
                bool const meant = what.connection.value_or(number) == number;
                inject_faults(
                    std::move(socket), server_port_, meant ? what : fault_spec(), counted);
            });
        auto const port = made->port();
        made->accept();
        traffic_[port] = counted;
        listeners_[port] = std::move(made);
        return port;
    }

    std::uint16_t const server_port_;
    asio::io_context context_{1};
    asio::executor_work_guard<asio::io_context::executor_type> work_;
    std::map<std::uint16_t, std::unique_ptr<listener>> listeners_;
    std::map<std::uint16_t, std::shared_ptr<traffic>> traffic_;
    std::thread thread_;
};

fault_proxy::fault_proxy(std::uint16_t server_port) : state_(std::make_unique<state>(server_port))
{
}
fault_proxy::~fault_proxy() = default;

result<std::uint16_t> fault_proxy::open(fault_spec const& what)
{
    try
    {
        return state_->open(what);
    }
    catch (boost::system::system_error const& failure)
    {
        error_info info;
        info.context = "the fault_proxy has no port: " + failure.code().message();
        return error(errc::connect_failed, std::move(info));
    }
}

void fault_proxy::close(std::uint16_t port)
{
    state_->close(port);
}

std::size_t fault_proxy::passed(std::uint16_t port, direction which) const
{
    auto const seen = state_->seen(port);
    return which == direction::to_server ? seen.to_server : seen.to_client;
}

std::size_t fault_proxy::connections(std::uint16_t port) const
{
    return state_->seen(port).connections;
}

} // namespace coauth::testing
