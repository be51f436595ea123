// The entry point of every test program; Boost.Test brings `main`.
#define BOOST_TEST_MODULE syncline
#include <boost/test/unit_test.hpp>
