#ifndef COAUTH_SRC_CLIENT_CONNECT_CANCELLATION_SLOT_HPP
#define COAUTH_SRC_CLIENT_CONNECT_CANCELLATION_SLOT_HPP

#include "values/abortable.hpp"

#include <boost/asio/cancellation_signal.hpp>

#include <memory>
#include <utility>

namespace coauth::detail
{

// A cancellation of any type aborts the operation, if it still exists.
inline void
connect_cancellation_slot(boost::asio::cancellation_slot slot, std::weak_ptr<abortable> operation)
{
    if (!slot.is_connected())
        return;
    slot.assign(
        [operation = std::move(operation)](boost::asio::cancellation_type type)
        {
            auto const running = operation.lock();
            if (running && type != boost::asio::cancellation_type::none)
                running->abort(errc::cancelled);
        });
}

} // namespace coauth::detail

#endif
