#define BOOST_TEST_MODULE coauth_integration
#include <boost/test/unit_test.hpp>
