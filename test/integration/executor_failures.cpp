// An executor throws while a fetch starts: the fetch continues, and no waiter waits for ever.

#include "fixture.hpp"

#include <boost/asio/execution.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/query.hpp>
#include <boost/asio/require.hpp>
#include <boost/test/unit_test.hpp>

#include <memory>
#include <stdexcept>

using namespace test;
namespace asio = boost::asio;

BOOST_AUTO_TEST_SUITE(executor_failures)

namespace
{

// An executor that throws instead of running the next functions, `*fails` of them.
template <class Inner>
class failing_executor
{
public:
    failing_executor(Inner inner, std::shared_ptr<int> fails)
        : inner_(std::move(inner))
        , fails_(std::move(fails))
    {
    }

    template <class Property>
        requires asio::can_query_v<Inner const&, Property>
    auto query(Property const& wanted) const
        -> decltype(asio::query(std::declval<Inner const&>(), wanted))
    {
        return asio::query(inner_, wanted);
    }
    template <class Property>
        requires asio::can_require_v<Inner const&, Property>
    auto require(Property const& wanted) const
    {
        return failing_executor<std::decay_t<decltype(asio::require(inner_, wanted))>>(
            asio::require(inner_, wanted), fails_);
    }
    template <class Function>
    void execute(Function&& function) const
    {
        if (*fails_ > 0 && (*fails_)-- > 0)
            throw std::runtime_error("the executor's own");
        inner_.execute(std::forward<Function>(function));
    }

    friend bool operator==(failing_executor const& a, failing_executor const& b) noexcept
    {
        return a.inner_ == b.inner_ && a.fails_ == b.fails_;
    }

private:
    template <class>
    friend class failing_executor;

    Inner inner_;
    std::shared_ptr<int> fails_;
};

class fails_when_a_fetch_starts : public coauth::observer
{
public:
    fails_when_a_fetch_starts(std::shared_ptr<int> what, int times)
        : fails_(std::move(what))
        , times_(times)
    {
    }
    void on_fetch_started(coauth::fetch_started const&) override { *fails_ = times_; }

private:
    std::shared_ptr<int> fails_;
    int times_;
};

} // namespace

BOOST_AUTO_TEST_CASE(a_fetch_starts_later_if_the_executor_throws)
{
    auto const server = start();
    for (int times = 1; times <= 4; ++times)
        BOOST_TEST_CONTEXT(times << " times")
        {
            asio::io_context context;
            auto const fails = std::make_shared<int>(0);
            auto config = server.config();
            config.observer = std::make_shared<fails_when_a_fetch_starts>(fails, times);
            failing_executor<asio::io_context::executor_type> const executor(
                context.get_executor(), fails);
            coauth::client client(executor, config);
            coauth::token_source tokens(client);
            std::vector<token_result> got;
            for (int i = 0; i < 10; ++i)
                tokens.async_get_access_token([&](token_result r) { got.push_back(std::move(r)); });
            int thrown = 0;
            for (bool ended = false; !ended && thrown <= times;)
                try
                {
                    context.restart();
                    context.run();
                    ended = true;
                }
                catch (std::runtime_error const&)
                {
                    ++thrown;
                }
            BOOST_TEST(thrown <= times);
            BOOST_REQUIRE_EQUAL(got.size(), 10U);
            for (auto const& r : got)
                BOOST_TEST_REQUIRE(outcome(r) == "success");
            BOOST_TEST(!tokens.status().fetching);
        }
    BOOST_TEST(server.requests().size() == 4U);
}

BOOST_AUTO_TEST_SUITE_END()
